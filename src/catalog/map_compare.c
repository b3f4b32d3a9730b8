/*
 * SQL functions that compare two label maps of one size, pixel by pixel:
 *
 *     map_iou(a, b, class)            intersection over union of the class; NULL where neither has
 *                                     it
 *     map_agreement(a, b [, ignore])  how much of the picture has the same class in both, 0 to 1;
 *                                     pixels with class `ignore` in b are left out, NULL when none
 *                                     remain
 *     miou(pred, truth [, ignore])    aggregate: mean intersection over union of all rows' pixels
 *                                     taken together, over the classes that either shows; NULL
 *                                     without such a class
 *
 * NULL in, NULL out; miou passes over rows with a NULL map. Different sizes are an error.
 */
#include "catalog/map_functions.h"

#include <string.h>

#include "base/error.h"

#define NO_CLASS UINT32_MAX

typedef struct count {
    uint32_t class_id;
    int64_t both, either;
} count;

static void count_class(void *user, uint32_t a, uint32_t b, int64_t pixels)
{
    count *c = user;
    c->both += a == c->class_id && b == c->class_id ? pixels : 0;
    c->either += a == c->class_id || b == c->class_id ? pixels : 0;
}

static void map_iou(sqlite3_context *context, int n, sqlite3_value **values)
{
    lab_map_pair pair = { .a_scratch = NULL };
    lab_error error;
    int64_t class_id;
    if (lab_any_null(n, values))
        return;
    if (!lab_integer_argument(values[2], "the class", &class_id, &error)) {
        lab_map_fail_named(context, &error);
        return;
    }
    /* A number that is no class id is in neither map. */
    count c = { class_id < 0 || class_id > UINT16_MAX ? NO_CLASS : (uint32_t)class_id, 0, 0 };
    if (lab_map_pair_open(&pair, values[0], values[1], &error) ||
        lab_map_overlaps(&pair, count_class, &c, &error))
        lab_map_fail_named(context, &error);
    else if (c.either)
        sqlite3_result_double(context, (double)c.both / (double)c.either);
    lab_map_pair_close(&pair);
}

/* `class_id` is the class to leave out. */
static void count_equal(void *user, uint32_t a, uint32_t b, int64_t pixels)
{
    count *c = user;
    if (b == c->class_id)
        return;
    c->both += a == b ? pixels : 0;
    c->either += pixels;
}

static void map_agreement(sqlite3_context *context, int n, sqlite3_value **values)
{
    lab_map_pair pair = { .a_scratch = NULL };
    lab_error error;
    count c = { NO_CLASS, 0, 0 };
    if (lab_any_null(n, values))
        return;
    if ((n > 2 && !lab_class_argument(values[2], "the class to ignore", &c.class_id, &error)) ||
        lab_map_pair_open(&pair, values[0], values[1], &error) ||
        lab_map_overlaps(&pair, count_equal, &c, &error))
        lab_map_fail_named(context, &error);
    else if (c.either)
        sqlite3_result_double(context, (double)c.both / (double)c.either);
    lab_map_pair_close(&pair);
}

/* Pixels of one class over all rows. */
typedef struct tally {
    int64_t both, predicted, true_ones;
} tally;

/* SQLite zeroes it and keeps it for a group of rows. */
typedef struct mean_iou {
    tally *classes; /* n of them; sqlite3_free */
    uint32_t n, ignore;
    bool failed;
} mean_iou;

static void count_pair(void *user, uint32_t predicted, uint32_t truth, int64_t pixels)
{
    mean_iou *m = user;
    if (truth == m->ignore)
        return;
    m->classes[predicted].predicted += pixels;
    m->classes[truth].true_ones += pixels;
    m->classes[truth].both += predicted == truth ? pixels : 0;
}

/* Room for every class id that `id_bytes` can hold. */
static lab_status reserve(mean_iou *m, uint32_t id_bytes, lab_error *error)
{
    uint32_t n = id_bytes == 1 ? 256 : 65536;
    if (n <= m->n)
        return LAB_OK;
    tally *classes = sqlite3_realloc64(m->classes, n * sizeof *classes);
    if (!classes)
        return lab_error_nomem(error, n * sizeof *classes, "the classes of miou");
    memset(classes + m->n, 0, (n - m->n) * sizeof *classes);
    m->classes = classes;
    m->n = n;
    return LAB_OK;
}

static void miou_step(sqlite3_context *context, int n, sqlite3_value **values)
{
    lab_map_pair pair = { .a_scratch = NULL };
    lab_error error;
    mean_iou *m = sqlite3_aggregate_context(context, sizeof *m);
    if (!m) {
        sqlite3_result_error_nomem(context);
        return;
    }
    if (m->failed || lab_any_null(2, values))
        return;
    m->ignore = NO_CLASS;
    bool fine = n < 3 || sqlite3_value_type(values[2]) == SQLITE_NULL ||
                lab_class_argument(values[2], "the class to ignore", &m->ignore, &error);
    uint32_t id_bytes = 0;
    if (fine && !lab_map_pair_open(&pair, values[0], values[1], &error)) {
        id_bytes = pair.a.id_bytes > pair.b.id_bytes ? pair.a.id_bytes : pair.b.id_bytes;
        fine = !reserve(m, id_bytes, &error) && !lab_map_overlaps(&pair, count_pair, m, &error);
    } else {
        fine = false;
    }
    if (!fine) {
        m->failed = true;
        lab_map_fail_named(context, &error);
    }
    lab_map_pair_close(&pair);
}

/* Called also after a failure, which SQLite remembers: the result is dropped then. */
static void miou_final(sqlite3_context *context)
{
    mean_iou *m = sqlite3_aggregate_context(context, 0);
    double sum = 0;
    uint32_t present = 0;
    for (uint32_t i = 0; m && i < m->n; i++) {
        const tally *t = &m->classes[i];
        int64_t either = t->predicted + t->true_ones - t->both;
        if (!either)
            continue;
        sum += (double)t->both / (double)either;
        present++;
    }
    if (m && !m->failed && present)
        sqlite3_result_double(context, sum / present);
    if (m)
        sqlite3_free(m->classes);
}

int lab_map_compare_register(sqlite3 *db)
{
    int rc = lab_sql_scalar(db, "map_iou", 3, map_iou);
    for (int n = 2; n <= 3 && !rc; n++) {
        rc = lab_sql_scalar(db, "map_agreement", n, map_agreement);
        if (!rc)
            rc = sqlite3_create_function(db, "miou", n, LAB_SQL_PURE, "miou", NULL, miou_step,
                                         miou_final);
    }
    return rc;
}
