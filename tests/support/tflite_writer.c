/*
 * A flatbuffer writer that goes forward: a table is written with holes where its references go,
 * what they refer to follows, and the holes are filled. Each table's vtable stands right before it.
 */
#include "support/tflite_writer.h"

#include <stdlib.h>
#include <string.h>

#define MAX_ITEMS 64u /* inputs or outputs of an operator or of the model, scales aside */

typedef struct op {
    int32_t code;
    char *custom;
    uint8_t *custom_options;
    size_t custom_size;
    int32_t in[MAX_ITEMS], out[MAX_ITEMS], new_shape[MAX_ITEMS];
    uint32_t n_in, n_out, n_new_shape;
    bool has_attrs;
    lab_attrs attrs;
    int32_t options_type; /* -1: the operator's own */
} op;

struct tflw {
    uint8_t *bytes;
    size_t size, room;
    tflw_tensor *tensors;
    op *ops;
    uint32_t n_tensors, n_ops, n_in, n_out, version, subgraphs;
    int32_t in[MAX_ITEMS], out[MAX_ITEMS];
};

static void *must(void *memory)
{
    if (!memory) {
        fputs("tflite_writer: out of memory\n", stderr);
        exit(99);
    }
    return memory;
}

static void *copy(const void *from, size_t size)
{
    void *to = must(malloc(size + 1));
    if (size)
        memcpy(to, from, size);
    ((char *)to)[size] = '\0';
    return to;
}

tflw *tflw_new(void)
{
    tflw *w = must(calloc(1, sizeof *w));
    w->version = 3;
    w->subgraphs = 1;
    return w;
}

int32_t tflw_add(tflw *w, const tflw_tensor *tensor)
{
    w->tensors = must(realloc(w->tensors, (w->n_tensors + 1) * sizeof *w->tensors));
    tflw_tensor *t = &w->tensors[w->n_tensors];
    *t = *tensor;
    t->name = copy(tensor->name ? tensor->name : "", tensor->name ? strlen(tensor->name) : 0);
    t->data = tensor->data ? copy(tensor->data, tensor->size) : NULL;
    t->scales = copy(tensor->scales, tensor->n_scales * sizeof *tensor->scales);
    t->zero_points =
        tensor->zero_points ? copy(tensor->zero_points, tensor->n_scales * sizeof(int64_t)) : NULL;
    return (int32_t)w->n_tensors++;
}

static tflw_tensor describe(const char *name, lab_dtype dtype, uint32_t rank, const int32_t *shape)
{
    tflw_tensor t = { .name = name, .dtype = dtype, .rank = rank };
    for (uint32_t i = 0; i < rank; i++)
        t.shape[i] = shape[i];
    return t;
}

int32_t tflw_value(tflw *w, const char *name, lab_dtype dtype, uint32_t rank, const int32_t *shape,
                   float scale, int32_t zero_point)
{
    return tflw_const(w, name, dtype, rank, shape, NULL, scale, zero_point);
}

int32_t tflw_const(tflw *w, const char *name, lab_dtype dtype, uint32_t rank, const int32_t *shape,
                   const void *data, float scale, int32_t zero_point)
{
    tflw_tensor t = describe(name, dtype, rank, shape);
    int64_t zero = zero_point;
    if (scale != 0.0f) {
        t.n_scales = 1;
        t.scales = &scale;
        t.zero_points = &zero;
    }
    t.data = data;
    t.size = lab_dtype_size(dtype);
    for (uint32_t i = 0; i < rank; i++)
        t.size *= (size_t)shape[i];
    return tflw_add(w, &t);
}

int32_t tflw_ints(tflw *w, const char *name, uint32_t count, const int32_t *values)
{
    return tflw_const(w, name, LAB_I32, 1, (int32_t[]){ (int32_t)count }, values, 0, 0);
}

void tflw_op(tflw *w, int32_t code, const int32_t *in, uint32_t n_in, const int32_t *out,
             uint32_t n_out, const lab_attrs *attrs)
{
    w->ops = must(realloc(w->ops, (w->n_ops + 1) * sizeof *w->ops));
    op *o = &w->ops[w->n_ops++];
    *o = (op){ .code = code, .n_in = n_in, .n_out = n_out, .options_type = -1 };
    memcpy(o->in, in, n_in * sizeof *in);
    memcpy(o->out, out, n_out * sizeof *out);
    if (attrs) {
        o->has_attrs = true;
        o->attrs = *attrs;
    }
}

void tflw_custom(tflw *w, const char *name, const void *options, size_t size, const int32_t *in,
                 uint32_t n_in, const int32_t *out, uint32_t n_out)
{
    tflw_op(w, TFLW_CUSTOM, in, n_in, out, n_out, NULL);
    op *o = &w->ops[w->n_ops - 1];
    o->custom = copy(name, strlen(name));
    o->custom_options = copy(options, size);
    o->custom_size = size;
}

void tflw_new_shape(tflw *w, uint32_t count, const int32_t *shape)
{
    op *o = &w->ops[w->n_ops - 1];
    o->has_attrs = true;
    o->n_new_shape = count;
    memcpy(o->new_shape, shape, count * sizeof *shape);
}

void tflw_options_type(tflw *w, uint8_t type)
{
    w->ops[w->n_ops - 1].options_type = type;
}

void tflw_input(tflw *w, int32_t tensor)
{
    w->in[w->n_in++] = tensor;
}

void tflw_output(tflw *w, int32_t tensor)
{
    w->out[w->n_out++] = tensor;
}

void tflw_version(tflw *w, uint32_t version)
{
    w->version = version;
}

void tflw_subgraphs(tflw *w, uint32_t count)
{
    w->subgraphs = count;
}

/* ---- bytes ---- */

static size_t put(tflw *w, const void *bytes, size_t size)
{
    if (w->size + size > w->room) {
        w->room = 2 * (w->size + size) + 1024;
        w->bytes = must(realloc(w->bytes, w->room));
    }
    size_t at = w->size;
    if (bytes)
        memcpy(w->bytes + at, bytes, size);
    else
        memset(w->bytes + at, 0, size);
    w->size += size;
    return at;
}

/* Zeros until the end is `rest` past a multiple of `to`. */
static void align(tflw *w, size_t to, size_t rest)
{
    while (w->size % to != rest)
        put(w, NULL, 1);
}

static size_t put_u32(tflw *w, uint32_t value)
{
    uint8_t b[4] = { (uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16),
                     (uint8_t)(value >> 24) };
    return put(w, b, 4);
}

static void set_u32(tflw *w, size_t at, size_t value)
{
    for (int i = 0; i < 4; i++)
        w->bytes[at + (size_t)i] = (uint8_t)(value >> (8 * i));
}

/* Makes the reference at `at` (0: none) lead to the end of what is written. */
static void refer(tflw *w, size_t at)
{
    if (at)
        set_u32(w, at, w->size - at);
}

typedef struct field {
    uint32_t slot, size; /* 1 or 4 bytes */
    uint32_t value;
    size_t *hole; /* set to where a reference must be filled in; NULL for scalars */
} field;

#define REFERENCE(slot_number, hole_at)                                                            \
    {                                                                                              \
        slot_number, 4, 0, hole_at                                                                 \
    }

/* A table with these fields in this order; returns its offset. */
static size_t put_table(tflw *w, const field *fields, uint32_t count)
{
    uint16_t vtable[2 + 16] = { 0 }, slots = 0, offset = 4;
    for (uint32_t i = 0; i < count; i++) {
        offset = (uint16_t)((offset + fields[i].size - 1) / fields[i].size * fields[i].size);
        vtable[2 + fields[i].slot] = offset;
        offset = (uint16_t)(offset + fields[i].size);
        slots = (uint16_t)(fields[i].slot + 1 > slots ? fields[i].slot + 1 : slots);
    }
    uint16_t vtable_size = (uint16_t)(4 + 2 * slots);
    vtable[0] = vtable_size;
    vtable[1] = offset;
    align(w, 4, vtable_size % 4);
    size_t at_vtable = w->size;
    for (int i = 0; i < vtable_size / 2; i++)
        put(w, (uint8_t[]){ (uint8_t)vtable[i], (uint8_t)(vtable[i] >> 8) }, 2);
    /* A start that is off by vtable_size makes the table itself aligned. */
    align(w, 4, 0);
    size_t at = put(w, NULL, offset);
    set_u32(w, at, at - at_vtable);
    for (uint32_t i = 0; i < count; i++) {
        size_t to = at + vtable[2 + fields[i].slot];
        if (fields[i].hole)
            *fields[i].hole = to;
        else if (fields[i].size == 1)
            w->bytes[to] = (uint8_t)fields[i].value;
        else
            set_u32(w, to, fields[i].value);
    }
    return at;
}

static void open_table(tflw *w, size_t hole, const field *fields, uint32_t count)
{
    /* The vtable comes first, so the reference is set to the table afterwards. */
    size_t at = put_table(w, fields, count);
    if (hole)
        set_u32(w, hole, at - hole);
}

static void put_vector(tflw *w, size_t hole, const void *items, uint32_t count, size_t item)
{
    align(w, item > 4 ? item : 4, item > 4 ? item - 4 : 0);
    refer(w, hole);
    put_u32(w, count);
    put(w, items, count * item);
}

static void put_string(tflw *w, size_t hole, const char *text)
{
    align(w, 4, 0);
    refer(w, hole);
    put_u32(w, (uint32_t)strlen(text));
    put(w, text, strlen(text) + 1);
}

/* Room for references to `count` tables; returns the offset of the first. */
static size_t put_references(tflw *w, size_t hole, uint32_t count)
{
    align(w, 4, 0);
    refer(w, hole);
    put_u32(w, count);
    return put(w, NULL, 4 * (size_t)count);
}

/* ---- the schema ---- */

static uint32_t type_of(const tflw_tensor *t)
{
    if (t->raw_type > 0)
        return (uint32_t)t->raw_type;
    switch (t->dtype) {
    case LAB_F32:
        return 0;
    case LAB_F16:
        return 1;
    case LAB_I32:
        return 2;
    case LAB_U8:
        return 3;
    case LAB_I64:
        return 4;
    case LAB_I16:
        return 7;
    case LAB_I8:
        return 9;
    case LAB_U16:
        return 16;
    }
    return 0;
}

/* The buffer of tensor `i`: 0, the empty one, unless it is a constant. */
static uint32_t buffer_of(const tflw *w, uint32_t i)
{
    uint32_t constants = 0;
    for (uint32_t k = 0; k <= i; k++)
        constants += w->tensors[k].data != NULL;
    return w->tensors[i].data ? constants : 0;
}

static void write_buffers(tflw *w, size_t hole)
{
    uint32_t count = 1;
    for (uint32_t i = 0; i < w->n_tensors; i++)
        count += w->tensors[i].data != NULL;
    size_t list = put_references(w, hole, count), data;
    open_table(w, list, NULL, 0);
    for (uint32_t i = 0; i < w->n_tensors; i++) {
        const tflw_tensor *t = &w->tensors[i];
        if (!t->data)
            continue;
        field fields[] = { REFERENCE(0, &data) };
        open_table(w, list + (size_t)4 * buffer_of(w, i), fields, 1);
        align(w, 16, t->misaligned ? 13 : 12);
        refer(w, data);
        put_u32(w, (uint32_t)t->size);
        put(w, t->data, t->size);
    }
}

static void write_quant(tflw *w, size_t hole, const tflw_tensor *t)
{
    size_t scales, zeros = 0;
    field fields[] = { { 6, 4, (uint32_t)t->axis, NULL },
                       REFERENCE(2, &scales),
                       REFERENCE(3, &zeros) };
    open_table(w, hole, fields, t->zero_points ? 3 : 2);
    put_vector(w, scales, t->scales, t->n_scales, sizeof *t->scales);
    if (t->zero_points)
        put_vector(w, zeros, t->zero_points, t->n_scales, sizeof *t->zero_points);
}

static void write_tensor(tflw *w, size_t hole, uint32_t i)
{
    const tflw_tensor *t = &w->tensors[i];
    size_t name, shape = 0, quant = 0, sparse = 0;
    field fields[7] = { { 2, 4, buffer_of(w, i), NULL }, REFERENCE(3, &name) };
    uint32_t n = 2;
    if (!t->no_shape)
        fields[n++] = (field)REFERENCE(0, &shape);
    if (t->n_scales)
        fields[n++] = (field)REFERENCE(4, &quant);
    if (t->sparse)
        fields[n++] = (field)REFERENCE(6, &sparse);
    fields[n++] = (field){ 1, 1, type_of(t), NULL };
    if (t->variable)
        fields[n++] = (field){ 5, 1, 1, NULL };
    open_table(w, hole, fields, n);
    put_string(w, name, t->name);
    if (shape)
        put_vector(w, shape, t->shape, t->rank, 4);
    if (quant)
        write_quant(w, quant, t);
    if (sparse)
        open_table(w, sparse, NULL, 0);
}

static uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* The schema's enum for a fused activation; numbers that are none of ours are written as they are.
 */
static uint32_t activation_of(lab_activation activation)
{
    if (activation == LAB_ACT_RELU6)
        return 3;
    return activation == LAB_ACT_RELU_N1_TO_1 ? 2 : (uint32_t)activation;
}

#define INT(slot, number)                                                                          \
    {                                                                                              \
        slot, 4, (uint32_t)(number), NULL                                                          \
    }
#define BYTE(slot, number)                                                                         \
    {                                                                                              \
        slot, 1, (uint32_t)(number), NULL                                                          \
    }
#define WRITE(type, ...)                                                                           \
    do {                                                                                           \
        const field list[] = { __VA_ARGS__ };                                                      \
        memcpy(fields, list, sizeof list);                                                         \
        *count = sizeof list / sizeof *list;                                                       \
        return type;                                                                               \
    } while (0)

/* The fields of an operator's options; returns their type in the union, 0 for none. */
static uint8_t options_of(const op *o, field *fields, uint32_t *count, size_t *shape)
{
    const lab_attrs *a = &o->attrs;
    uint32_t act = activation_of(a->activation), pad = a->padding == LAB_PAD_VALID;
    *count = 0;
    switch (o->code) {
    case TFLW_CONV_2D:
        WRITE(1, INT(1, a->stride_w), INT(2, a->stride_h), INT(4, a->dilation_w),
              INT(5, a->dilation_h), BYTE(0, pad), BYTE(3, act));
    case TFLW_DEPTHWISE_CONV_2D:
        WRITE(2, INT(1, a->stride_w), INT(2, a->stride_h), INT(3, a->depth_multiplier),
              INT(5, a->dilation_w), INT(6, a->dilation_h), BYTE(0, pad), BYTE(4, act));
    case TFLW_AVERAGE_POOL_2D:
        WRITE(5, INT(1, a->stride_w), INT(2, a->stride_h), INT(3, a->filter_w), INT(4, a->filter_h),
              BYTE(0, pad), BYTE(5, act));
    case TFLW_FULLY_CONNECTED:
        WRITE(8, BYTE(0, act), BYTE(2, a->keep_dims));
    case TFLW_SOFTMAX:
        WRITE(9, INT(0, bits_of(a->beta)));
    case TFLW_CONCATENATION:
        WRITE(10, INT(0, a->axis), BYTE(1, act));
    case TFLW_ADD:
        WRITE(11, BYTE(0, act));
    case TFLW_RESIZE_BILINEAR:
        WRITE(15, BYTE(2, a->align_corners), BYTE(3, a->half_pixel_centers));
    case TFLW_RESHAPE:
        WRITE(17, REFERENCE(0, shape));
    case TFLW_MUL:
        WRITE(21, BYTE(0, act));
    case TFLW_MEAN:
        WRITE(27, BYTE(0, a->keep_dims));
    case TFLW_TRANSPOSE_CONV:
        WRITE(49, INT(1, a->stride_w), INT(2, a->stride_h), BYTE(0, pad), BYTE(3, act));
    default:
        return 0;
    }
}

static void write_op(tflw *w, size_t hole, uint32_t i)
{
    const op *o = &w->ops[i];
    size_t in, out, options = 0, custom = 0, shape = 0;
    field option_fields[8];
    uint32_t n_options = 0, n = 3;
    uint8_t type = o->has_attrs ? options_of(o, option_fields, &n_options, &shape) : 0;
    field fields[6] = { { 0, 4, i, NULL }, REFERENCE(1, &in), REFERENCE(2, &out) };
    if (type)
        fields[n++] = (field)REFERENCE(4, &options);
    if (o->custom)
        fields[n++] = (field)REFERENCE(5, &custom);
    if (type)
        fields[n++] = (field)BYTE(3, o->options_type >= 0 ? o->options_type : type);
    open_table(w, hole, fields, n);
    put_vector(w, in, o->in, o->n_in, 4);
    put_vector(w, out, o->out, o->n_out, 4);
    if (options)
        open_table(w, options, option_fields, n_options);
    if (shape)
        put_vector(w, shape, o->new_shape, o->n_new_shape, 4);
    if (custom)
        put_vector(w, custom, o->custom_options, (uint32_t)o->custom_size, 1);
}

/* One operator code an operator. */
static void write_codes(tflw *w, size_t hole)
{
    size_t list = put_references(w, hole, w->n_ops), custom;
    for (uint32_t i = 0; i < w->n_ops; i++) {
        const op *o = &w->ops[i];
        uint32_t old = o->code < 127 ? (uint32_t)o->code : 127;
        field fields[] = { INT(3, o->code), INT(2, 1), BYTE(0, old), REFERENCE(1, &custom) };
        open_table(w, list + (size_t)4 * i, fields, o->custom ? 4 : 3);
        if (o->custom)
            put_string(w, custom, o->custom);
    }
}

static void write_subgraph(tflw *w, size_t hole)
{
    size_t tensors, in, out, ops;
    field fields[] = { REFERENCE(0, &tensors), REFERENCE(1, &in), REFERENCE(2, &out),
                       REFERENCE(3, &ops) };
    open_table(w, hole, fields, 4);
    size_t list = put_references(w, tensors, w->n_tensors);
    for (uint32_t i = 0; i < w->n_tensors; i++)
        write_tensor(w, list + (size_t)4 * i, i);
    put_vector(w, in, w->in, w->n_in, 4);
    put_vector(w, out, w->out, w->n_out, 4);
    list = put_references(w, ops, w->n_ops);
    for (uint32_t i = 0; i < w->n_ops; i++)
        write_op(w, list + (size_t)4 * i, i);
}

static void free_writer(tflw *w)
{
    for (uint32_t i = 0; i < w->n_tensors; i++) {
        free((void *)w->tensors[i].name);
        free((void *)w->tensors[i].data);
        free((void *)w->tensors[i].scales);
        free((void *)w->tensors[i].zero_points);
    }
    for (uint32_t i = 0; i < w->n_ops; i++) {
        free(w->ops[i].custom);
        free(w->ops[i].custom_options);
    }
    free(w->tensors);
    free(w->ops);
    free(w);
}

uint8_t *tflw_finish(tflw *w, size_t *size)
{
    size_t codes, subgraphs, buffers;
    put(w, "\0\0\0\0TFL3", 8);
    field fields[] = { INT(0, w->version), REFERENCE(1, &codes), REFERENCE(2, &subgraphs),
                       REFERENCE(4, &buffers) };
    size_t root = put_table(w, fields, 4);
    set_u32(w, 0, root);
    write_codes(w, codes);
    size_t list = put_references(w, subgraphs, w->subgraphs);
    for (uint32_t i = 0; i < w->subgraphs; i++)
        write_subgraph(w, list + (size_t)4 * i);
    write_buffers(w, buffers);
    uint8_t *bytes = w->bytes;
    *size = w->size;
    free_writer(w);
    return bytes;
}
