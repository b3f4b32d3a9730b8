/*
 * golden_quantised MODEL: runs a quantised model on every golden input with 1, 2 and 3 threads: as
 * it is in the file, where the CRC-32 of every operator's output is compared, and as rewrites leave
 * it, where that of every value still computed is. The label map is compared byte by byte for both.
 */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "golden.h"

#ifndef MAX_THREADS /* fewer where an emulator runs this */
#define MAX_THREADS 3
#endif
#define MAX_OPS 256

enum { AS_IN_FILE, REWRITTEN, VIEWS };
static const char *const view_names[VIEWS] = { "as in the file", "rewritten" };

typedef struct runner {
    const char *name;
    lab_host *host[MAX_THREADS]; /* with 1, 2, 3 threads */
    lab_model *model[MAX_THREADS][VIEWS];
} runner;

/* What the observer compares during one run. */
typedef struct comparison {
    const cJSON *ops[MAX_OPS]; /* by operator index in the file */
    bool seen[MAX_OPS];
    uint32_t compared, added, wrong;
    char first[256]; /* about the first operator that differs */
} comparison;

/*
 * The operator of the file that writes this value; -1 for a value that a rewrite made. The loader
 * numbers values as the file numbers its tensors.
 */
static int find_op(const comparison *c, uint32_t value)
{
    for (int i = 0; i < MAX_OPS; i++) {
        const cJSON *tensor = c->ops[i] ? golden_member(c->ops[i], "tensor") : NULL;
        if (cJSON_IsNumber(tensor) && (uint32_t)tensor->valueint == value)
            return i;
    }
    return -1;
}

static void compare_node(void *user, const lab_graph_node *node, const lab_tensor *outputs,
                         uint64_t nanoseconds)
{
    comparison *c = user;
    int i = find_op(c, node->out[0]);
    char crc[9];
    (void)nanoseconds;
    if (i < 0) {
        c->added++;
        return;
    }
    snprintf(crc, sizeof crc, "%08lx",
             crc32(0, outputs[0].data, (unsigned)outputs[0].size) & 0xffffffffu);
    c->seen[i] = true;
    c->compared++;
    const char *expected = golden_string(c->ops[i], "crc32");
    if (strcmp(crc, expected) == 0)
        return;
    if (c->wrong++ == 0)
        snprintf(c->first, sizeof c->first, "op %d %s (%.80s): crc32 %s, expected %s", i,
                 golden_string(c->ops[i], "op"), golden_string(c->ops[i], "out"), crc, expected);
}

static bool index_ops(comparison *c, const cJSON *json)
{
    const cJSON *op;
    cJSON_ArrayForEach(op, golden_member(json, "ops"))
    {
        const cJSON *i = golden_member(op, "i");
        if (!cJSON_IsNumber(i) || i->valueint < 0 || i->valueint >= MAX_OPS)
            return golden_fail("an operator has no usable index");
        c->ops[i->valueint] = op;
    }
    return true;
}

/*
 * As in the file, each of its operators must have been compared. After rewrites what is missing has
 * been removed, or another value is computed in its stead.
 */
static bool check_complete(const comparison *c, const lab_model *model, int view)
{
    uint32_t listed = 0, missing = 0;
    lab_model_stats stats;
    lab_model_get_stats(model, &stats);
    for (int i = 0; i < MAX_OPS; i++) {
        listed += c->ops[i] != NULL;
        missing += c->ops[i] && !c->seen[i];
    }
    if (view == AS_IN_FILE && (missing || c->added || stats.removed))
        return golden_fail("%u of %u operators were not compared, %u are not in the golden file",
                           missing, listed, c->added);
    if (missing > stats.removed + stats.folded + c->added)
        return golden_fail("%u operators were not compared, but %u removed, %u folded, %u added",
                           missing, stats.removed, stats.folded, c->added);
    return c->compared > listed / 2 || golden_fail("only %u operators were compared", c->compared);
}

static bool check_labels(lab_context *ctx, const lab_model *model, const cJSON *json)
{
    const lab_tensor *map = lab_model_result(model, 0);
    if (!map || (map->dtype != LAB_I64 && map->dtype != LAB_I32))
        return golden_fail("the first output is no label map");
    size_t item = lab_dtype_size(map->dtype), count = map->size / item, wrong = 0;
    lab_buffer *expected =
        golden_gunzip(ctx, count, "golden/%s", golden_string(json, "labels.file"));
    if (!expected)
        return false;
    const uint8_t *labels = lab_buffer_data(expected);
    for (size_t i = 0; i < count; i++) {
        int64_t id = item == 8 ? ((const int64_t *)map->data)[i] : ((const int32_t *)map->data)[i];
        wrong += id != labels[i];
    }
    bool ok = golden_sha256(labels, count, golden_string(json, "labels.sha256"), "the label map");
    lab_buffer_unref(expected);
    return ok && (wrong == 0 || golden_fail("%zu of %zu labels differ", wrong, count));
}

static bool run_once(runner *r, unsigned threads, int view, const cJSON *json, lab_buffer *input)
{
    lab_error error = { 0 };
    lab_model *model = r->model[threads - 1][view];
    comparison c = { .compared = 0 };
    lab_context *ctx = lab_host_context(r->host[threads - 1]);
    if (!index_ops(&c, json))
        return false;
    lab_tensor x = *lab_model_input(model, 0);
    const lab_tensor *inputs[] = { &x };
    x.data = lab_buffer_data(input);
    if (x.size != lab_buffer_size(input))
        return golden_fail("the model's input has %zu bytes, the golden one %zu", x.size,
                           lab_buffer_size(input));
    lab_model_observe(model, compare_node, &c);
    if (lab_model_run(model, inputs, 1, LAB_WANT_OUTPUTS, &error))
        return golden_fail("%s", error.message);
    bool ok = check_complete(&c, model, view);
    if (c.wrong)
        ok = golden_fail("%u of %u operators differ, the first: %s", c.wrong, c.compared, c.first);
    ok = check_labels(ctx, model, json) && ok;
    printf("%s, %s, %s, %u threads: %u of %d operators compared%s\n", r->name,
           golden_string(json, "input"), view_names[view], threads, c.compared,
           cJSON_GetArraySize(golden_member(json, "ops")), ok ? "" : ": DIFFERENT");
    return ok;
}

/* Loads the model for each number of threads; the golden file names weights and their sha256. */
static bool open_models(runner *r, const cJSON *json)
{
    for (unsigned i = 0; i < MAX_THREADS; i++) {
        r->host[i] = r->host[i] ? r->host[i] : golden_host(i + 1);
        if (!r->host[i])
            return false;
        for (int view = 0; view < VIEWS; view++) {
            const lab_model_options options = { .as_in_file = view == AS_IN_FILE };
            if (!r->model[i][view])
                r->model[i][view] =
                    golden_model_with(r->host[i], golden_string(json, "model_file"), r->name,
                                      golden_string(json, "model_sha256"), &options);
            if (!r->model[i][view])
                return false;
        }
    }
    return true;
}

static bool run_set(runner *r, lab_context *ctx, const char *file)
{
    cJSON *json = golden_json(ctx, "golden/%s", file);
    bool ok = json && open_models(r, json);
    const cJSON *shape = ok ? golden_member(json, "input_shape") : NULL;
    const cJSON *side = cJSON_GetArrayItem(shape, 1);
    lab_buffer *input = ok && side ? golden_input(ctx, golden_string(json, "input"), side->valueint,
                                                  golden_string(json, "input_sha256"))
                                   : NULL;
    ok = ok && input;
    for (unsigned threads = 1; ok && threads <= MAX_THREADS; threads++)
        for (int view = 0; view < VIEWS; view++)
            ok = run_once(r, threads, view, json, input) && ok;
    lab_buffer_unref(input);
    cJSON_Delete(json);
    return ok;
}

static bool run_model(runner *r, lab_context *ctx)
{
    cJSON *index = golden_json(ctx, "golden/index.json");
    const cJSON *set;
    bool ok = index != NULL;
    int sets = 0;
    cJSON_ArrayForEach(set, index)
    {
        if (strcmp(golden_string(set, "model"), r->name) != 0)
            continue;
        ok = run_set(r, ctx, golden_string(set, "file")) && ok;
        sets++;
    }
    cJSON_Delete(index);
    if (ok && sets == 0)
        return golden_fail("the golden index has no model %s", r->name);
    return ok;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        golden_fail("usage: golden_quantised MODEL");
        return 2;
    }
    if (!golden_available("golden/index.json", argv[1]) || !golden_available("weights", argv[1]))
        return GOLDEN_SKIP;
    runner r = { .name = argv[1] };
    lab_host *host = golden_host(1);
    bool ok = host && run_model(&r, lab_host_context(host));
    for (int i = 0; i < MAX_THREADS; i++) {
        for (int view = 0; view < VIEWS; view++)
            lab_model_free(r.model[i][view]);
        lab_host_free(r.host[i]);
    }
    lab_host_free(host);
    return ok ? 0 : 1;
}
