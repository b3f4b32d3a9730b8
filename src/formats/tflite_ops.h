/*
 * TensorFlow Lite's builtin operators: which node type each is and what its options say. Private to
 * the TensorFlow Lite loader.
 */
#ifndef LAB_FORMATS_TFLITE_OPS_H
#define LAB_FORMATS_TFLITE_OPS_H

#include "formats/tflite_reader.h"

#define TFL_BUILTIN_CUSTOM 32

typedef struct tfl_op {
    const char *label; /* its name in the schema */
    const char *node_type;
    int32_t code;         /* in the schema's enum BuiltinOperator */
    uint8_t options_type; /* in the union BuiltinOptions; 0: the operator has none we read */
    void (*options)(tfl_reader *reader, const tfl_table *options, lab_attrs *attrs);
} tfl_op;

/* NULL when the operator is not one of ours. */
const tfl_op *tfl_find_op(int32_t code);

/* Whether a builtin operator becomes this node type; no custom operator's name means it then. */
bool tfl_is_builtin(const char *node_type);

/* The schema's name of an operator that is not ours but is likely to be met; NULL: no idea. */
const char *tfl_foreign_name(int32_t code);

/*
 * Reads the options of an operator of the table into `attrs`. Absent options leave the schema's
 * defaults. Fails on values that are outside their enums.
 */
lab_status tfl_read_options(tfl_reader *reader, const tfl_op *op, const tfl_table *operator_table,
                            lab_attrs *attrs);

#endif
