/* Refinement: label maps and masks whose edges are those of the picture they belong to. */
#include "refine.h"

static lab_status same_size(lab_call *call, const lab_tensor *in, const lab_tensor *image)
{
    if (image->shape[0] == in->shape[0] && image->shape[1] == in->shape[1])
        return LAB_OK;
    return lab_fail(call, LAB_E_INVALID,
                    "image is %dx%d, but what is to be refined is %dx%d; resize one of them",
                    image->shape[1], image->shape[0], in->shape[1], in->shape[0]);
}

/* ---- map.refine ---- */

enum {
    IMAGE,
    METHOD,
    RADIUS,
    EPS,
    ITERATIONS,
    CONFIDENCE,
    COLOR_WEIGHT,
    COLOR_SIGMA,
    COLOR_RANGE,
    SMOOTH_WEIGHT,
    SMOOTH_SIGMA,
    SCORES
};

/* The classes that the map has. */
static lab_status list_present(lab_call *call, const lab_tensor *map, refine_source *source)
{
    uint32_t n_ids = map->dtype == LAB_U16 ? 65536 : 256;
    uint8_t *seen = refine_alloc(call, n_ids, 1);
    uint16_t *ids = refine_alloc(call, n_ids, sizeof *ids);
    if (!seen || !ids)
        return lab_call_status(call);
    for (size_t i = 0; i < refine_pixels(map); i++)
        seen[refine_id(map, i)] = 1;
    for (uint32_t id = 0; id < n_ids; id++) {
        if (seen[id])
            ids[source->count++] = (uint16_t)id;
    }
    source->ids = ids;
    return LAB_OK;
}

/* The classes are the channels of the scores, [H][W][C] or [1][H][W][C]. */
static lab_status list_scored(lab_call *call, const lab_tensor *scores, refine_source *source)
{
    const lab_tensor *map = source->map;
    const int32_t *shape = scores->shape + (scores->rank == 4);
    int32_t most = map->dtype == LAB_U16 ? 65536 : 256;
    bool fits = scores->rank == 3 || (scores->rank == 4 && scores->shape[0] == 1);
    if (scores->dtype != LAB_F32 || !fits || shape[0] != map->shape[0] ||
        shape[1] != map->shape[1] || shape[2] > most)
        return lab_fail(call, LAB_E_INVALID,
                        "scores must be f32 probabilities [%d, %d, classes], at most %d classes",
                        map->shape[0], map->shape[1], most);
    uint16_t *ids = refine_alloc(call, (size_t)shape[2], sizeof *ids);
    if (!ids)
        return lab_call_status(call);
    for (int32_t id = 0; id < shape[2]; id++)
        ids[id] = (uint16_t)id;
    source->ids = ids;
    source->count = (uint32_t)shape[2];
    source->scores = scores->data;
    return LAB_OK;
}

static crf_params read_crf(const lab_call *call)
{
    return (crf_params){
        .iterations = (uint32_t)lab_arg_int(call, ITERATIONS),
        .confidence = (float)lab_arg_float(call, CONFIDENCE),
        .smooth_weight = (float)lab_arg_float(call, SMOOTH_WEIGHT),
        .smooth_sigma = (float)lab_arg_float(call, SMOOTH_SIGMA),
        .color_weight = (float)lab_arg_float(call, COLOR_WEIGHT),
        .color_sigma = (float)lab_arg_float(call, COLOR_SIGMA),
        .color_range = (float)lab_arg_float(call, COLOR_RANGE),
    };
}

static lab_status map_run(lab_call *call)
{
    const lab_tensor *in = lab_input(call), *image = lab_arg_tensor(call, IMAGE);
    refine_source source = { .map = in };
    lab_status status = same_size(call, in, image);
    if (!status)
        status = lab_given(call, SCORES) ? list_scored(call, lab_arg_tensor(call, SCORES), &source)
                                         : list_present(call, in, &source);
    if (status)
        return status;
    lab_tensor *out = lab_result_like(call, in);
    if (!out)
        return lab_call_status(call);
    if (source.count == 1) {
        for (size_t i = 0; i < refine_pixels(in); i++)
            refine_set_id(out, i, source.ids[0]);
        return LAB_OK;
    }
    if (lab_arg_int(call, METHOD) == 0) {
        guided_params params = { (int32_t)lab_arg_int(call, RADIUS),
                                 (float)lab_arg_float(call, EPS) };
        return refine_map_guided(call, &source, image, &params, out);
    }
    crf_params params = read_crf(call);
    return refine_map_crf(call, &source, image, &params, out);
}

static const lab_param map_params[] = {
    { .name = "image",
      .type = LAB_IMAGE,
      .doc = "the picture that the map belongs to, of its size",
      .flags = LAB_PARAM_MAIN },
    { .name = "method",
      .type = LAB_ENUM,
      .doc = "guided: a filter in constant time a pixel; crf: a fully connected random field",
      .def = "crf",
      .choices = "guided|crf" },
    { .name = "radius",
      .type = LAB_INT,
      .doc = "guided: pixels to each side of a window",
      .def = "12",
      .min = 1,
      .max = 4096 },
    { .name = "eps",
      .type = LAB_FLOAT,
      .doc = "guided: variance of colour (0..1) below which a window counts as flat",
      .def = "0.0001",
      .min = 1e-6,
      .max = 1 },
    { .name = "iterations",
      .type = LAB_INT,
      .doc = "crf: rounds of mean field",
      .def = "5",
      .min = 1,
      .max = 100 },
    { .name = "confidence",
      .type = LAB_FLOAT,
      .doc = "crf: how probable the map's own label is, where there are no scores",
      .def = "0.7",
      .min = 0.01,
      .max = 0.99 },
    { .name = "color_weight",
      .type = LAB_FLOAT,
      .doc = "crf: weight of pixels that are near and of like colour",
      .def = "4",
      .min = 0,
      .max = 100 },
    { .name = "color_sigma",
      .type = LAB_FLOAT,
      .doc = "crf: pixels; how near is near for those",
      .def = "20",
      .min = 1,
      .max = 10000 },
    { .name = "color_range",
      .type = LAB_FLOAT,
      .doc = "crf: steps of 0..255; how like is like",
      .def = "8",
      .min = 1,
      .max = 255 },
    { .name = "smooth_weight",
      .type = LAB_FLOAT,
      .doc = "crf: weight of pixels that are near, whatever their colour",
      .def = "3",
      .min = 0,
      .max = 100 },
    { .name = "smooth_sigma",
      .type = LAB_FLOAT,
      .doc = "crf: pixels; how near is near for those",
      .def = "3",
      .min = 0.3,
      .max = 32 },
    { .name = "scores",
      .type = LAB_TENSOR,
      .doc = "probabilities instead of the map's labels: f32 [height, width, classes]",
      .flags = LAB_PARAM_OPTIONAL },
    LAB_PARAM_END,
};

static const lab_op map_refine = {
    .name = "map.refine",
    .summary = "a label map whose edges are drawn to those of the picture",
    .doc = "guided: He, Sun and Tang's guided filter (PAMI 2013) with a colour guide on each "
           "class's scores (without scores: 1 where the map has the class, else 0); the highest "
           "result wins. crf: mean field in the fully connected random field of Krähenbühl and "
           "Koltun (NIPS 2011), with a Gaussian in place and one in place and colour, the latter "
           "in a permutohedral lattice. Of equal results the lowest id wins. Without scores only "
           "classes that the map has take part. The same bytes with any number of threads.",
    .in = LAB_LABELMAP,
    .out = LAB_LABELMAP,
    .params = map_params,
    .run = map_run,
};

/* ---- mask.refine ---- */

static lab_status mask_run(lab_call *call)
{
    const lab_tensor *in = lab_input(call), *image = lab_arg_tensor(call, 0);
    lab_status status = same_size(call, in, image);
    if (status)
        return status;
    lab_tensor *out = lab_result_like(call, in);
    if (!out)
        return lab_call_status(call);
    guided_params params = { (int32_t)lab_arg_int(call, 1), (float)lab_arg_float(call, 2) };
    return refine_mask_guided(call, in, image, &params, out);
}

static const lab_param mask_params[] = {
    { .name = "image",
      .type = LAB_IMAGE,
      .doc = "the picture that the mask belongs to, of its size",
      .flags = LAB_PARAM_MAIN },
    { .name = "radius",
      .type = LAB_INT,
      .doc = "pixels to each side of a window: how far the true edge may be from the mask's",
      .def = "12",
      .min = 1,
      .max = 4096 },
    { .name = "eps",
      .type = LAB_FLOAT,
      .doc = "variance of colour (0..1) below which a window counts as flat and is only smoothed",
      .def = "0.0001",
      .min = 1e-6,
      .max = 1 },
    LAB_PARAM_END,
};

static const lab_op mask_refine = {
    .name = "mask.refine",
    .summary = "a mask whose soft edge follows hair and fur of the picture",
    .doc = "He, Sun and Tang's guided filter (PAMI 2013) with a colour guide: in each window the "
           "mask is taken for a linear function of the picture's colour. Windows are cut off at "
           "the border. The same bytes with any number of threads.",
    .in = LAB_MASK,
    .out = LAB_MASK,
    .params = mask_params,
    .run = mask_run,
};

static const lab_op *const ops[] = { &map_refine, &mask_refine, NULL };

static const lab_plugin plugin = {
    LAB_PLUGIN_HEAD,    .name = "refine",
    .version = "1.0.0", .summary = "guided filter and random field for edges",
    .licence = "MIT",   .ops = ops,
};
LAB_PLUGIN_ENTRY(refine, &plugin)
