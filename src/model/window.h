/*
 * The rule of sliding windows, in one dimension. With eff = (filter - 1) * dilation + 1:
 * SAME gives out = ceil(in / stride) and pads total = max(0, (out - 1) * stride + eff - in), half
 * of it (rounded down) before; VALID gives out = ceil((in - eff + 1) / stride) without padding;
 * EXPLICIT takes the padding that is there. Private to the model room.
 */
#ifndef LAB_MODEL_WINDOW_H
#define LAB_MODEL_WINDOW_H

#include "lab_plugin.h"

/* Rows: reads attrs stride_h (and pad_top, pad_bottom when explicit), else sets the padding. */
lab_status lab_infer_window_h(lab_infer *infer, int32_t in, int32_t filter, int32_t dilation,
                              int32_t *out);
/* Columns: the same with stride_w, pad_left and pad_right. */
lab_status lab_infer_window_w(lab_infer *infer, int32_t in, int32_t filter, int32_t dilation,
                              int32_t *out);

#endif
