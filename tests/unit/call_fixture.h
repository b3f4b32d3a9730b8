/* A registry with test operators, for the tests of plugin/call.h. */
#ifndef TEST_UNIT_CALL_FIXTURE_H
#define TEST_UNIT_CALL_FIXTURE_H

#include "plugin/call.h"

/* Positions of the parameters of map.all, which has one of each type. */
enum {
    P_FLAG,
    P_COUNT,  /* 1..10 */
    P_RATIO,  /* 0..1 */
    P_METHOD, /* area|bilinear|nearest */
    P_TEXT,
    P_COLOR,
    P_CLASSES,
    P_WEIGHTS, /* -1..1 */
    P_BYTES,
    P_TENSOR,
    P_MASK,
    P_DEFAULTED /* 4 */
};

typedef struct fixture {
    lab_context ctx;
    lab_host_api api;
    lab_registry *registry;
    lab_tensor map; /* u8 2x3 with labels: background, screen, person, screen */
} fixture;

lab_status fixture_init(fixture *f, const lab_allocator *allocator, unsigned threads,
                        lab_error *error);
void fixture_finish(fixture *f);

/* Begins a call of a registered operator on the fixture's map. */
lab_call *fixture_call(fixture *f, const char *op);

/* Registers `op` as the only one of a plugin called "extra". */
void fixture_add(fixture *f, const lab_op *op);

#endif
