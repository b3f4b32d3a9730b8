/*
 * The published models: each loads, its shapes, work and head are as known, and its memory plan
 * holds. Skipped where the weights are not beside the checkout.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/model_parts.h"
#include "support/cmocka_all.h"
#include "support/model_host.h"

#define WEIGHTS TEST_SHARED_DIR "/weights/"

typedef struct published {
    const char *file;
    uint32_t operators;      /* that run, as in the file */
    uint32_t nodes, removed; /* after rewrites, with the kernels of reference */
    uint32_t folded;
    double mmacs;    /* as counted from the file */
    double arena_mb; /* at most */
    lab_head head;   /* without the id of the scores */
} published;

static const published models[] = {
    { "deeplabv3_mnv2_pascal_quant.tflite",
      72,
      69,
      5,
      0,
      2741,
      8.0,
      { .channels = 21,
        .logits_h = 33,
        .logits_w = 33,
        .out_h = 513,
        .out_w = 513,
        .align_corners = true,
        .resized = true,
        .argmax = true } },
    { "deeplabv3_mnv2_dm05_pascal_quant.tflite",
      72,
      69,
      5,
      0,
      867,
      4.1,
      { .channels = 21,
        .logits_h = 33,
        .logits_w = 33,
        .out_h = 513,
        .out_w = 513,
        .align_corners = true,
        .resized = true,
        .argmax = true } },
    { "deeplab_mobilenet_edgetpu_slim_cityscapes_quant.tflite",
      84,
      81,
      5,
      0,
      4316,
      3.3,
      { .channels = 19,
        .logits_h = 33,
        .logits_w = 33,
        .out_h = 513,
        .out_w = 513,
        .align_corners = true,
        .resized = true,
        .argmax = true } },
    { "deeplabv3_mnv2_ade20k_uint8.tflite",
      77,
      76,
      4,
      0,
      5277,
      10.1,
      { .channels = 32,
        .logits_h = 128,
        .logits_w = 128,
        .out_h = 512,
        .out_w = 512,
        .resized = true,
        .argmax = true } },
    { "deeplabv3_mnv2_ade20k_int8.tflite",
      80,
      78,
      4,
      0,
      5277,
      10.1,
      { .channels = 32,
        .logits_h = 128,
        .logits_w = 128,
        .out_h = 512,
        .out_w = 512,
        .resized = true,
        .argmax = true } },
    { "deeplabv3_257_mv_gpu.tflite",
      70,
      69,
      1,
      0,
      726,
      6.0,
      { .channels = 21,
        .logits_h = 33,
        .logits_w = 33,
        .out_h = 257,
        .out_w = 257,
        .align_corners = true,
        .resized = true } },
    { "deeplab_aiseg513_dm05_float.tflite",
      70,
      69,
      1,
      0,
      3346,
      20.0,
      { .channels = 2,
        .logits_h = 65,
        .logits_w = 65,
        .out_h = 513,
        .out_w = 513,
        .align_corners = true,
        .resized = true } },
    { "selfie_segmentation.tflite",
      136,
      114,
      22,
      110,
      58,
      4.0,
      { .channels = 1,
        .logits_h = 256,
        .logits_w = 256,
        .out_h = 256,
        .out_w = 256,
        .activation = LAB_HEAD_LOGISTIC } },
};
#define MODELS (sizeof models / sizeof *models)

static lab_host *host;

static lab_model *load(const char *name, bool as_in_file)
{
    const lab_model_options options = { .as_in_file = as_in_file };
    char path[512];
    lab_error error;
    lab_buffer *file = NULL;
    lab_model *model = NULL;
    snprintf(path, sizeof path, "%s%s", WEIGHTS, name);
    if (lab_file_map(lab_host_context(host), path, SIZE_MAX, &file, &error) ||
        lab_model_load_with(lab_host_registry(host), file, name, &options, &model, &error))
        fail_msg("%s", error.message);
    lab_buffer_unref(file);
    return model;
}

static void check_head(const lab_head *head, const lab_head *want)
{
    assert_true(head->found);
    assert_int_equal(head->channels, want->channels);
    assert_int_equal(head->logits_h, want->logits_h);
    assert_int_equal(head->logits_w, want->logits_w);
    assert_int_equal(head->out_h, want->out_h);
    assert_int_equal(head->out_w, want->out_w);
    assert_int_equal(head->align_corners, want->align_corners);
    assert_int_equal(head->half_pixel_centers, want->half_pixel_centers);
    assert_int_equal(head->resized, want->resized);
    assert_int_equal(head->activation, want->activation);
    assert_int_equal(head->argmax, want->argmax);
}

/* Lives worked out afresh from the steps: who reads what is planned, and what must outlive all. */
static uint32_t last_use(const lab_model *model, uint32_t value)
{
    const lab_graph *graph = model->graph;
    for (uint32_t i = 0; i < graph->n_outputs; i++)
        if (graph->outputs[i] == value)
            return model->n_steps;
    if (model->head.logits == value)
        return model->n_steps;
    uint32_t last = 0;
    for (uint32_t s = 0; s < model->n_steps; s++) {
        const lab_graph_node *node = model->steps[s].node;
        for (uint32_t i = 0; i < node->node.n_in; i++)
            last = node->in[i] == value ? s : last;
        for (uint32_t i = 0; i < node->node.n_out; i++)
            last = node->out[i] == value ? s : last;
    }
    return last;
}

static uint32_t first_use(const lab_model *model, uint32_t value)
{
    for (uint32_t s = 0; s < model->n_steps; s++)
        for (uint32_t i = 0; i < model->steps[s].node->node.n_out; i++)
            if (model->steps[s].node->out[i] == value)
                return s;
    return 0;
}

static void check_plan(const lab_model *model)
{
    for (uint32_t i = 0; i < model->n_planned; i++) {
        const lab_plan_item *a = &model->plan[i];
        assert_int_equal(a->first, first_use(model, model->planned[i]));
        assert_int_equal(a->last, last_use(model, model->planned[i]));
        assert_int_equal(a->size, model->graph->values[model->planned[i]]->tensor.size);
        assert_true(a->offset + a->size + LAB_TAIL <= model->stats.arena_bytes);
        for (uint32_t k = 0; k < i; k++) {
            const lab_plan_item *b = &model->plan[k];
            if (a->first <= b->last && b->first <= a->last)
                assert_true(a->offset + a->size <= b->offset || b->offset + b->size <= a->offset);
        }
    }
    /* Every step finds all it reads and writes. */
    for (uint32_t s = 0; s < model->n_steps; s++) {
        const lab_step *step = &model->steps[s];
        for (uint32_t i = 0; i < step->node->node.n_in; i++)
            assert_true(step->in[i] != NULL || step->node->in[i] == LAB_VALUE_NONE);
        for (uint32_t i = 0; i < step->node->node.n_out; i++)
            assert_non_null(step->out[i]);
    }
}

static void test_as_in_file(void **state)
{
    (void)state;
    for (size_t i = 0; i < MODELS; i++) {
        lab_model *model = load(models[i].file, true);
        lab_model_stats stats;
        lab_model_get_stats(model, &stats);
        assert_int_equal(stats.nodes, models[i].operators);
        assert_int_equal(stats.folded, models[i].folded);
        assert_int_equal(stats.removed, 0);
        double mmacs = (double)stats.macs / 1e6;
        assert_true(mmacs > models[i].mmacs - 1 && mmacs < models[i].mmacs + 1);
        check_head(lab_model_head(model), &models[i].head);
        check_plan(model);
        lab_model_free(model);
    }
}

static void test_models(void **state)
{
    (void)state;
    for (size_t i = 0; i < MODELS; i++) {
        const published *want = &models[i];
        lab_model *model = load(want->file, false);
        lab_model_stats stats;
        lab_model_get_stats(model, &stats);
        print_message("%-56s %u nodes, %u folded, %.0f MMAC, arena %.2f MB, packed %.2f MB, "
                      "constants %.2f MB\n",
                      want->file, stats.nodes, stats.folded, (double)stats.macs / 1e6,
                      (double)stats.arena_bytes / 1e6, (double)stats.packed_bytes / 1e6,
                      (double)stats.constant_bytes / 1e6);
        assert_int_equal(stats.nodes, want->nodes);
        assert_int_equal(stats.folded, want->folded);
        assert_int_equal(stats.removed, want->removed);
        assert_true((double)stats.arena_bytes < want->arena_mb * 1e6);
        check_head(lab_model_head(model), &want->head);
        check_plan(model);
        lab_model_free(model);
    }
}

int main(void)
{
    for (size_t i = 0; i < MODELS; i++) {
        char path[512];
        snprintf(path, sizeof path, "%s%s", WEIGHTS, models[i].file);
        FILE *file = fopen(path, "rb");
        if (!file) {
            printf("skipped: there is no %s\n", path);
            return 77;
        }
        fclose(file);
    }
    lab_error error;
    setenv("LUALAB_KERNELS", "reference", 1); /* what is rewritten depends on the kernels */
    host = model_host_open(2, NULL, &error);
    if (!host) {
        printf("%s\n", error.message);
        return 1;
    }
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_as_in_file),
                                        cmocka_unit_test(test_models) };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    lab_host_free(host);
    return failed;
}
