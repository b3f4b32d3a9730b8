/* The rules of the node types that only rewrites make, asked directly: no file can contain them. */
#include <string.h>

#include "model/nodes.h"
#include "support/cmocka_all.h"

typedef struct asked {
    lab_tensor in[3], out;
    lab_attrs attrs;
    lab_error error;
} asked;

static lab_tensor tensor(lab_dtype dtype, uint32_t rank, const int32_t *shape)
{
    lab_tensor t = { .kind = LAB_TENSOR, .dtype = dtype, .rank = rank };
    if (rank <= LAB_MAX_RANK)
        memcpy(t.shape, shape, rank * sizeof *shape);
    if (lab_is_quantised(dtype))
        t.quant = (lab_quant){ .count = 1, .scale = 0.1f, .zero_point = 3 };
    return t;
}

static lab_status ask(asked *a, const lab_node_type *type, uint32_t n_in)
{
    const lab_tensor *in[3] = { &a->in[0], &a->in[1], &a->in[2] };
    lab_tensor *out[1] = { &a->out };
    lab_infer infer = {
        .in = in, .n_in = n_in, .n_out = 1, .attrs = &a->attrs, .out = out, .error = &a->error
    };
    return type->infer(&infer);
}

/* ---- resize_argmax ---- */

static int32_t size[2] = { 17, 33 };

static asked head(void)
{
    asked a = { .in = { tensor(LAB_U8, 4, (const int32_t[]){ 2, 5, 9, 21 }),
                        tensor(LAB_I32, 1, (const int32_t[]){ 2 }) },
                .out = tensor(LAB_I64, UINT32_MAX, NULL) };
    a.in[1].data = size;
    return a;
}

static void refuse_head(asked a, const char *words)
{
    assert_int_not_equal(ask(&a, &lab_node_resize_argmax, 2), LAB_OK);
    if (!strstr(a.error.message, words))
        fail_msg("expected \"%s\", got: %s", words, a.error.message);
}

static void test_resize_argmax(void **state)
{
    (void)state;
    static const int32_t labels[3] = { 2, 17, 33 };
    asked a = head();
    assert_int_equal(ask(&a, &lab_node_resize_argmax, 2), LAB_OK);
    assert_int_equal(a.out.rank, 3);
    assert_memory_equal(a.out.shape, labels, sizeof labels);
    a = head();
    a.out.dtype = LAB_U8;
    refuse_head(a, "are not a combination");
    a = head();
    a.in[0].rank = 3;
    refuse_head(a, "input");
    a = head();
    a.in[1].data = NULL;
    refuse_head(a, "must be a constant of the file");
    a = head();
    a.attrs.align_corners = a.attrs.half_pixel_centers = true;
    refuse_head(a, "exclude each other");
    a = head();
    a.out.rank = 3;
    memcpy(a.out.shape, (const int32_t[]){ 2, 17, 32 }, sizeof labels);
    refuse_head(a, "by the operator's rule");
}

/* ---- conv_bias ---- */

static asked bias(void)
{
    return (asked){ .in = { tensor(LAB_U8, 4, (const int32_t[]){ 1, 1, 1, 8 }),
                            tensor(LAB_U8, 4, (const int32_t[]){ 5, 1, 1, 8 }),
                            tensor(LAB_I32, 1, (const int32_t[]){ 5 }) },
                    .out = tensor(LAB_I32, UINT32_MAX, NULL) };
}

static void refuse_bias(asked a, const char *words)
{
    assert_int_not_equal(ask(&a, &lab_node_conv_bias, 3), LAB_OK);
    if (!strstr(a.error.message, words))
        fail_msg("expected \"%s\", got: %s", words, a.error.message);
}

static void test_conv_bias(void **state)
{
    (void)state;
    asked a = bias();
    assert_int_equal(ask(&a, &lab_node_conv_bias, 3), LAB_OK);
    assert_int_equal(a.out.rank, 1);
    assert_int_equal(a.out.shape[0], 5);
    a = bias();
    assert_int_equal(ask(&a, &lab_node_conv_bias, 2), LAB_OK);
    a = bias();
    a.in[0].shape[1] = 2; /* two pixels */
    refuse_bias(a, "does not read one pixel");
    a = bias();
    a.in[1].shape[3] = 7;
    refuse_bias(a, "does not read one pixel");
    a = bias();
    a.in[1].shape[2] = 3;
    refuse_bias(a, "does not read one pixel");
    a = bias();
    a.in[2].shape[0] = 4;
    refuse_bias(a, "bias has shape [4]");
    a = bias();
    a.in[0].shape[3] = a.in[1].shape[3] = 33026;
    refuse_bias(a, "could overflow");
    a = bias();
    a.in[0].dtype = LAB_F32;
    refuse_bias(a, "are not a combination");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resize_argmax),
        cmocka_unit_test(test_conv_bias),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
