/* Test operators; see call_fixture.h. */
#include "call_fixture.h"

#include "support/cmocka_all.h"

#include <string.h>

static lab_status run_all(lab_call *call)
{
    return lab_result_like(call, lab_input(call)) ? LAB_OK : lab_call_status(call);
}

static const lab_param all_params[] = {
    { .name = "flag", .type = LAB_BOOL, .doc = "d", .flags = LAB_PARAM_OPTIONAL },
    { .name = "count",
      .type = LAB_INT,
      .doc = "d",
      .min = 1,
      .max = 10,
      .flags = LAB_PARAM_OPTIONAL },
    { .name = "ratio", .type = LAB_FLOAT, .doc = "d", .max = 1, .flags = LAB_PARAM_OPTIONAL },
    { .name = "method",
      .type = LAB_ENUM,
      .doc = "d",
      .choices = "area|bilinear|nearest",
      .flags = LAB_PARAM_OPTIONAL },
    { .name = "text", .type = LAB_STRING, .doc = "d", .flags = LAB_PARAM_OPTIONAL },
    { .name = "color", .type = LAB_COLOR, .doc = "d", .flags = LAB_PARAM_OPTIONAL },
    { .name = "classes", .type = LAB_CLASSES, .doc = "d", .flags = LAB_PARAM_OPTIONAL },
    { .name = "weights",
      .type = LAB_FLOATS,
      .doc = "d",
      .min = -1,
      .max = 1,
      .flags = LAB_PARAM_OPTIONAL },
    { .name = "bytes", .type = LAB_BYTES, .doc = "d", .flags = LAB_PARAM_OPTIONAL },
    { .name = "tensor", .type = LAB_TENSOR, .doc = "d", .flags = LAB_PARAM_OPTIONAL },
    { .name = "mask", .type = LAB_MASK, .doc = "d", .flags = LAB_PARAM_OPTIONAL },
    { .name = "defaulted", .type = LAB_INT, .doc = "d", .def = "4" },
    LAB_PARAM_END,
};
static const lab_op map_all = { .name = "map.all",
                                .summary = "s",
                                .in = LAB_LABELMAP,
                                .out = LAB_LABELMAP,
                                .params = all_params,
                                .run = run_all };

static const lab_param needs_params[] = {
    { .name = "width", .type = LAB_INT, .doc = "pixels", .min = 1, .max = 65535 },
    LAB_PARAM_END,
};
static const lab_op map_needs = { .name = "map.needs",
                                  .summary = "s",
                                  .in = LAB_LABELMAP,
                                  .out = LAB_LABELMAP,
                                  .params = needs_params,
                                  .run = run_all };

static const lab_op *const ops[] = { &map_all, &map_needs, NULL };
static const lab_plugin plugin = { LAB_PLUGIN_HEAD,   .name = "fixture", .version = "1",
                                   .summary = "test", .licence = "MIT",  .ops = ops };

static lab_status make_map(fixture *f, lab_error *error)
{
    static const char *const names[] = { "background", "screen", "person", "screen" };
    static const uint32_t colors[] = { 0, 1, 2, 3 };
    const int32_t shape[] = { 2, 3 };
    lab_labels *labels;
    lab_status status = lab_labels_new(&f->ctx, "set", 4, names, colors, &labels, error);
    if (status)
        return status;
    status = lab_tensor_new(&f->ctx, LAB_LABELMAP, LAB_U8, 2, shape, &f->map, error);
    if (!status) {
        memcpy(f->map.data, "\0\1\2\3\2\1", 6);
        lab_tensor_set_labels(&f->map, labels);
    }
    lab_labels_unref(labels);
    return status;
}

lab_status fixture_init(fixture *f, const lab_allocator *allocator, unsigned threads,
                        lab_error *error)
{
    memset(f, 0, sizeof *f);
    lab_status status = lab_context_init(&f->ctx, allocator, threads, error);
    if (status)
        return status;
    f->api.abi = LAB_ABI_VERSION;
    f->api.size = sizeof f->api;
    lab_call_fill_api(&f->api);
    status = lab_registry_new(&f->ctx, &f->api, &f->registry, error);
    if (!status)
        status = lab_registry_add(f->registry, &plugin, "test", error);
    if (!status)
        status = make_map(f, error);
    if (status)
        fixture_finish(f);
    return status;
}

void fixture_finish(fixture *f)
{
    lab_tensor_clear(&f->map);
    lab_registry_free(f->registry);
    lab_context_finish(&f->ctx);
}

lab_call *fixture_call(fixture *f, const char *op)
{
    lab_call *call;
    const lab_op *found = lab_registry_op(f->registry, op);
    assert_non_null(found);
    assert_int_equal(lab_call_new(f->registry, found, &f->map, &call, NULL), LAB_OK);
    return call;
}

void fixture_add(fixture *f, const lab_op *op)
{
    const lab_op *const list[] = { op, NULL };
    const lab_plugin extra = { LAB_PLUGIN_HEAD,   .name = "extra",  .version = "1",
                               .summary = "test", .licence = "MIT", .ops = list };
    assert_int_equal(lab_registry_add(f->registry, &extra, "test", NULL), LAB_OK);
}
