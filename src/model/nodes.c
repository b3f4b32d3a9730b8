/*
 * The node types there are, and what each promises the kernels that compute it.
 *
 * Inference has checked everything named here before a kernel sees a node: kernels repeat none of
 * it. "quantised" below means u8 or i8 with one scale and zero point for the whole tensor; "T" is
 * one dtype shared by the tensors marked with it; [..] are shapes; "const" means that `data` is set
 * in lab_node.in when a kernel is matched. Filters and biases may come from nodes that are computed
 * at load time (a dequantize of f16 weights), so the rules below do not insist that they are in the
 * file: a kernel that packs them asks for `data` in its match function. attrs.activation is fused:
 * RELU clamps at 0, RELU6 at 0 and 6, RELU_N1_TO_1 at -1 and 1, in the output's units.
 * attrs.pad_* are resolved; kernels never look at attrs.padding. Sizes are checked: every tensor
 * has at most LAB_TENSOR_LIMIT bytes and each dimension is at least 1.
 *
 * conv_2d: in 0 input T [N,H,W,C], 1 filter T [O,kh,kw,C], 2 bias [O] (optional, i32 or f32);
 *     out T [N,oh,ow,O]. T: f32; u8; i8. An i8 filter may have a scale for each O (axis 0), zero
 *     points 0. attrs: stride_h/w, dilation_h/w, pad_*, activation. kh * kw * C <= 33025 for
 *     quantised T, so that the sum of the products fits int32_t; biases are whatever the file
 *     says, so add them as unsigned. input scale * filter scale / output scale is finite. A bias of
 *     quantised T can be computed by conv_bias: then N is 1, and kernels that want it constant
 *     leave the node to those that read it when they run.
 * conv_bias (no file has it: rewrites make it): in 0 input T [1,1,1,C], 1 filter T [O,1,1,C], 2
 * bias i32 [O] (optional); out i32 [O]: bias + the sum of (x - input zero) * (w - filter zero),
 *     modulo 2^32. T: u8, i8 as in conv_2d. What a 1x1 conv_2d adds to each of its sums for input
 *     channels that are the same at every place of a picture.
 * depthwise_conv_2d: in 0 input T [N,H,W,C], 1 filter T [1,kh,kw,C * depth_multiplier], 2 bias
 *     (optional); out T [N,oh,ow,C * depth_multiplier], output channel = c * depth_multiplier + m.
 *     As conv_2d; filter scales along axis 3. attrs: also depth_multiplier (resolved, >= 1).
 * transpose_conv_2d: in 0 output shape const i32 [4], 1 filter T [O,kh,kw,C], 2 input T [N,h,w,C],
 *     3 bias [O] (optional); out T [N,H,W,O]. Input pixel (y, x) adds to output pixels
 *     (y * stride_h - pad_top + i, x * stride_w - pad_left + j); those outside are dropped.
 *     attrs: stride_h/w, pad_* (in output pixels), activation. Filter scales along axis 0.
 * fully_connected: in 0 input T, 1 weights T [O,K], 2 bias [O] (optional); out T: rows of K
 * elements of the input, each to O. attrs: keep_dims (out keeps all but the last dimension, which
 * is K; else out is [count / K, O]), activation. As conv_2d for quantised T; scales along axis 0.
 *
 * average_pool_2d: in 0 T [N,H,W,C]; out T [N,oh,ow,C] quantised as the input. T: f32, u8, i8.
 *     The divisor is the number of taps inside; there is always one. attrs: filter_h/w, stride_h/w,
 *     pad_*, activation.
 * mean: in 0 T (any rank), 1 axes const i32 [n] (each -rank .. rank-1, may repeat); out T with the
 *     reduced dimensions gone, or 1 with attrs.keep_dims; other quantisation than the input's is
 *     allowed. T: f32, u8, i8.
 * resize_bilinear: in 0 T [N,H,W,C], 1 size const i32 [2] (height, width); out T [N,h,w,C]
 * quantised as the input. T: f32, u8, i8. attrs: align_corners, half_pixel_centers (never both).
 * argmax: in 0 f32, u8 or i8 (any rank >= 1), 1 axis const; out i32 or i64 without that dimension.
 *     The lowest index wins a tie. attrs: axis (resolved).
 * resize_argmax (no file has it: rewrites make it): in 0 f32, u8 or i8 [N,H,W,C], 1 size const i32
 *     [2]; out i32 or i64 [N,h,w]: argmax along the last dimension of what resize_bilinear gives,
 *     rounded to the input's quantisation as it does. attrs: as resize_bilinear.
 *
 * add, mul: in 0 T, 1 T; out T with the broadcast shape (dimensions matched from the last; 1 or a
 *     missing one repeats). T: f32, u8, i8, each with its own quantisation. attrs: activation. add:
 *     the larger of s1 / sy, s2 / sy is in [2^-10, 2^8); mul: s1 * s2 / sy in [2^-16, 2^8).
 * relu, relu6, hard_swish: in 0 T; out T, same shape. T: f32, u8, i8, scales may differ
 *     (input / output in [2^-8, 2^7)).
 * logistic, softmax: in 0 T; out T, same shape. T: f32, u8, i8; quantised outputs have scale 1/256
 *     and zero point 0 (u8) or -128 (i8). softmax: attrs.beta > 0, attrs.axis = last.
 * quantize: in 0 f32 or quantised; out quantised, same shape; between two quantised ones
 *     input / output scale is in [2^-8, 2^7).
 * dequantize: in 0 u8 or i8 (may have a scale for each index of an axis) or f16; out f32, same
 * shape.
 *
 * concat: in 0 .. n-1 T; out T; attrs: axis (resolved). u8 inputs may be quantised otherwise than
 *     the output (input / output scale < 2^20); i8 ones are as the output. T: f32 u8 i8 i32 i64.
 * tile: in 0 T, 1 multiples const i32 [rank], each >= 1; out T, quantised as the input.
 * reshape: in 0 T, 1 new shape (optional); out T: a copy of the bytes.
 * pad: in 0 T, 1 paddings const i32 [rank,2] (before, after), each >= 0; out T; what is added is
 *     the zero point, or 0.
 * space_to_batch_nd, batch_to_space_nd: in 0 T [N,H,W,C], 1 block shape const i32 [2], 2 paddings
 *     or crops const i32 [2,2]; out T as TensorFlow defines. attrs: stride_h/w = block height and
 *     width, pad_* = paddings or crops.
 */
#include "model/nodes.h"

static const lab_node_type *const node_types[] = {
    &lab_node_conv_2d,
    &lab_node_depthwise_conv_2d,
    &lab_node_transpose_conv_2d,
    &lab_node_fully_connected,
    &lab_node_conv_bias,
    &lab_node_average_pool_2d,
    &lab_node_mean,
    &lab_node_resize_bilinear,
    &lab_node_argmax,
    &lab_node_resize_argmax,
    &lab_node_add,
    &lab_node_mul,
    &lab_node_relu,
    &lab_node_relu6,
    &lab_node_hard_swish,
    &lab_node_logistic,
    &lab_node_softmax,
    &lab_node_quantize,
    &lab_node_dequantize,
    &lab_node_concat,
    &lab_node_tile,
    &lab_node_reshape,
    &lab_node_pad,
    &lab_node_space_to_batch_nd,
    &lab_node_batch_to_space_nd,
    NULL,
};

const lab_plugin lab_builtin_nodes = {
    LAB_PLUGIN_HEAD,    .name = "nodes",
    .version = "1.0.0", .summary = "node types of segmentation networks",
    .licence = "MIT",   .node_types = node_types,
};
