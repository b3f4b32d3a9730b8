/*
 * lab_plugin.h: everything a lualab plugin needs, and the only header it includes.
 *
 * A plugin is a shared object (or, with LAB_PLUGIN_STATIC, an object linked into the host) that
 * exports one function, lab_plugin_entry. It returns a static descriptor: lists of operators, node
 * types, kernels, loaders, readers and services. The host checks the descriptor's ABI version and size, then
 * registers everything in it or nothing. What is built into lualab registers through the same
 * structures, so whatever a built-in can do a plugin can do.
 *
 * A plugin links nothing of lualab's: host services are reached through `lab_host_api`, a table of
 * function pointers that only ever grows at its end. The `lab_…` inline functions in this header
 * call through that table, so plugin code reads like ordinary library code.
 *
 * The whole of a plugin with one operator:
 *
 *     #include "lab_plugin.h"
 *
 *     static lab_status invert_run(lab_call *call)
 *     {
 *         const lab_tensor *in = lab_input(call);
 *         lab_tensor *out = lab_result_like(call, in);
 *         if (!out)
 *             return lab_call_status(call);
 *         const uint8_t *src = in->data;
 *         uint8_t *dst = out->data;
 *         for (size_t i = 0; i < in->size; i++)
 *             dst[i] = (uint8_t)(255 - src[i]);
 *         return LAB_OK;
 *     }
 *
 *     static const lab_op image_invert = {
 *         .name = "image.invert", .summary = "negative of a picture",
 *         .in = LAB_IMAGE, .out = LAB_IMAGE, .run = invert_run,
 *     };
 *     static const lab_op *const ops[] = { &image_invert, NULL };
 *
 *     static const lab_plugin plugin = {
 *         LAB_PLUGIN_HEAD, .name = "invert", .version = "1.0.0",
 *         .summary = "negatives", .licence = "MIT", .ops = ops,
 *     };
 *     LAB_PLUGIN_ENTRY(invert, &plugin)
 *
 * Build it, look at it, use it (the file's name must begin with lualab_):
 *
 *     cc -std=c11 -O2 -shared -fPIC -o lualab_invert.so invert.c
 *     lualab --plugin ./lualab_invert.so ops image.invert
 *     lualab --plugin ./lualab_invert.so --script mine.lua      -- img:invert()
 *
 * `lualab plugin new NAME` writes a folder with such a plugin, a build and tests. How plugins are
 * found and what is refused: plugins/README.md.
 *
 * The order of this manual: version; status and errors; tensors; operators; graphs; kernels;
 * loaders; readers; services; the host's table (then what to call, by kind of callback); the plugin
 * itself; small helpers.
 *
 * Rules that hold throughout:
 *  - Descriptors are `static const` and live as long as the plugin is loaded; the host keeps
 *    pointers into them and copies nothing.
 *  - A failure is a lab_status (0 is success) plus a sentence that names the thing, the place and
 *    the values. Nothing aborts, and nothing long-jumps over a plugin.
 *  - Pointers a getter returns are borrowed: valid until the callback returns unless it says more.
 *  - Callbacks of one descriptor may run on several threads at once; they keep no global state.
 *  - A call belongs to the thread that runs it. Functions given to lab_parallel_for may read
 *    arguments, poll lab_should_stop and call lab_fail (the first failure counts); they allocate
 *    nothing and make no results or records. A lab_parallel_for within one runs on that thread.
 *  - The same input gives the same bytes with any number of threads: cut work so that each result
 *    is computed in one piece, and compile with -ffp-contract=off.
 *  - What comes from a file or a user is hostile. Sizes are checked before they are multiplied.
 *
 * The life of a plugin: opened; lab_plugin_entry; the descriptor checked; `init`; registered;
 * callbacks for as long as the program runs; `fini`; closed. A plugin that is refused on the way is
 * closed again at once, and nothing of it is left.
 */
#ifndef LAB_PLUGIN_H
#define LAB_PLUGIN_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The version of this header. The major changes when something here changes its meaning or its
 * place: a plugin is accepted by hosts of its own major only. The minor counts additions, which
 * come at the end of lab_plugin and of lab_host_api, and nowhere else: all other structures stay as
 * they are within a major, new things get new structures and lists of their own.
 *
 *  - An older plugin runs in a newer host: members that it does not have count as NULL.
 *  - A newer plugin runs in an older host: what that host does not know of it is left out, with a
 *    warning when there is something. Services that an older host lacks must not be called: ask
 *    with LAB_HOST_HAS, or let `init` insist on a minor with lab_need_minor.
 *
 * What came when: 1.0 the first. 1.1 readers (lab_reader, lab_plugin.readers). 1.2 services
 * (lab_service, lab_plugin.services, LAB_RECORD and the last seven members of lab_host_api).
 */
#define LAB_ABI_MAJOR 1u
#define LAB_ABI_MINOR 2u
#define LAB_ABI_VERSION ((LAB_ABI_MAJOR << 16) | LAB_ABI_MINOR)

#if defined(__GNUC__) || defined(__clang__)
#define LAB_PRINTF(fmt_at, args_at) __attribute__((format(printf, fmt_at, args_at)))
#define LAB_EXPORT __attribute__((visibility("default")))
#else
#define LAB_PRINTF(fmt_at, args_at)
#define LAB_EXPORT
#endif

/* ------------------------------------------------------------------------------------------- *
 * Status and errors
 * ------------------------------------------------------------------------------------------- */

typedef enum lab_status {
    LAB_OK = 0,
    LAB_E_INVALID = -1,     /* wrong argument: misuse by the caller */
    LAB_E_NOMEM = -2,       /* out of memory */
    LAB_E_IO = -3,          /* the operating system refused: missing file, full disk, ... */
    LAB_E_FORMAT = -4,      /* malformed bytes: not a picture, truncated model, ... */
    LAB_E_UNSUPPORTED = -5, /* well-formed, but more than we can do */
    LAB_E_ABI = -6,         /* plugin built for another version of this header */
    LAB_E_DB = -7,          /* the catalog refused */
    LAB_E_INTERRUPTED = -8, /* stopped on request */
    LAB_E_NOT_FOUND = -9,   /* no such name */
    LAB_E_LIMIT = -10       /* larger than a documented limit */
} lab_status;

#define LAB_MESSAGE_MAX 512

/* Filled by the callee when it does not return LAB_OK; owned by the caller. */
typedef struct lab_error {
    lab_status status;
    char message[LAB_MESSAGE_MAX]; /* one UTF-8 sentence without a trailing newline */
} lab_error;

/* ------------------------------------------------------------------------------------------- *
 * Tensors
 * ------------------------------------------------------------------------------------------- */

typedef enum lab_dtype {
    LAB_U8 = 1,
    LAB_I8,
    LAB_U16,
    LAB_I16,
    LAB_I32,
    LAB_I64,
    LAB_F16, /* IEEE binary16, stored as its 16 bits */
    LAB_F32
} lab_dtype;

/* The types a value can have: operator inputs, results and parameters. */
typedef enum lab_type {
    LAB_NONE = 0,
    LAB_BOOL,
    LAB_INT,     /* int64_t */
    LAB_FLOAT,   /* double */
    LAB_ENUM,    /* one of lab_param.choices; read as its 0-based position there */
    LAB_STRING,  /* NUL-terminated UTF-8 */
    LAB_COLOR,   /* 0xRRGGBBAA; written "#rgb", "#rrggbb", "#rrggbbaa", a CSS basic colour name or
                    {r, g, b[, a]} */
    LAB_CLASSES, /* class ids, each at most once; written as ids or label names, or a list of them */
    LAB_FLOATS,  /* a list of doubles */
    LAB_RECORDS, /* result only: a list of rows with named fields */
    LAB_BYTES,   /* a byte string */
    LAB_TENSOR,  /* the tensor kinds start here */
    LAB_IMAGE,   /* u8 [H, W, 1|3|4]: grey, sRGB, sRGB with straight alpha */
    LAB_LABELMAP,/* u8 or u16 [H, W]: class ids (0-based), with the label set they refer to */
    LAB_MASK,    /* u8 [H, W]: 0 outside .. 255 inside (alpha); the last tensor kind */
    LAB_RECORD   /* result of a service's method only: one row, or none (since 1.2) */
} lab_type;

#define LAB_MAX_RANK 5

/*
 * real = scale * (q - zero_point). `count` is 0 for values that are not quantised, 1 for one pair
 * for the whole tensor (read `scale` and `zero_point`), else the length of dimension `axis` (read
 * `scales` and `zero_points`, which live as long as the tensor).
 */
typedef struct lab_quant {
    uint32_t count;
    int32_t axis;
    float scale;
    int32_t zero_point;
    const float *scales;
    const int32_t *zero_points;
} lab_quant;

typedef struct lab_buffer lab_buffer; /* refcounted memory */
typedef struct lab_labels lab_labels; /* refcounted label set: names and colours by class id */

/*
 * A dense row-major array. `data` is 64-byte aligned with at least 64 readable bytes after the
 * last element when the host allocated it. Activations are NHWC, convolution filters OHWI,
 * depthwise filters 1HWC. A tensor owns references to `buffer` and `labels`; plugins never set
 * either.
 */
typedef struct lab_tensor {
    lab_type kind;   /* LAB_TENSOR, LAB_IMAGE, LAB_LABELMAP or LAB_MASK */
    lab_dtype dtype;
    uint32_t rank;
    int32_t shape[LAB_MAX_RANK];
    lab_quant quant;
    void *data;
    size_t size; /* bytes of data, without padding */
    lab_buffer *buffer;
    lab_labels *labels; /* label maps only; may be NULL */
} lab_tensor;

/* ------------------------------------------------------------------------------------------- *
 * Operators: what a picture, label map, mask or tensor can be asked to do from Lua or C
 * ------------------------------------------------------------------------------------------- */

typedef struct lab_call lab_call; /* one call of an operator: arguments in, result out */

#define LAB_PARAM_OPTIONAL 1u /* may be absent without a default: see lab_given */
#define LAB_PARAM_MAIN 2u     /* may be passed alone instead of a table: mask:feather(3) */

/* The host checks types, ranges, choices, unknown and missing names before `run` is called. */
typedef struct lab_param {
    const char *name;
    lab_type type;
    const char *doc;     /* what it means, with its unit */
    const char *def;     /* default, written as a user would; NULL: required (or optional) */
    double min, max;     /* LAB_INT, LAB_FLOAT, LAB_FLOATS: inclusive; both 0: no bounds */
    const char *choices; /* LAB_ENUM: "area|bilinear|nearest" */
    uint32_t flags;      /* LAB_PARAM_… */
} lab_param;

#define LAB_PARAM_END { NULL, LAB_NONE, NULL, NULL, 0, 0, NULL, 0 }

/*
 * The first half of `name` is the kind of the first input ("image", "map", "mask", "tensor"), the
 * second the method: "image.resize" is img:resize{...} in Lua.
 *
 * `run` reads its input and arguments, makes exactly one result (lab_result, lab_result_like,
 * lab_result_bytes, or rows by lab_record_begin) and returns LAB_OK, or fails with lab_fail. Memory
 * from lab_call_alloc goes away by itself. Inputs are never written to.
 */
typedef struct lab_op {
    const char *name;
    const char *summary; /* one line */
    const char *doc;     /* more: formulas, rounding, source; may be NULL */
    lab_type in;
    lab_type out;
    const lab_param *params; /* ends with LAB_PARAM_END; NULL: none */
    lab_status (*run)(lab_call *call);
} lab_op;

/* ------------------------------------------------------------------------------------------- *
 * Graphs: what a model file becomes
 * ------------------------------------------------------------------------------------------- */

typedef enum lab_padding {
    LAB_PAD_EXPLICIT = 0, /* pad_top … pad_right are given */
    LAB_PAD_SAME,         /* out = ceil(in / stride); an odd pixel goes after (bottom, right) */
    LAB_PAD_VALID
} lab_padding;

typedef enum lab_activation {
    LAB_ACT_NONE = 0,
    LAB_ACT_RELU,
    LAB_ACT_RELU6,
    LAB_ACT_RELU_N1_TO_1
} lab_activation;

/*
 * Attributes of a node: one flat struct; each node type documents which members it reads (see
 * src/model/nodes.c). A loader fills what the file says; shape inference resolves `padding` into
 * pad_top … pad_right, so kernels read only those.
 */
typedef struct lab_attrs {
    lab_padding padding;
    int32_t pad_top, pad_left, pad_bottom, pad_right; /* input pixels */
    int32_t stride_h, stride_w;
    int32_t dilation_h, dilation_w;
    int32_t filter_h, filter_w; /* pooling */
    int32_t depth_multiplier;
    lab_activation activation;  /* fused after the node */
    int32_t axis;               /* concat, argmax, softmax: 0-based, resolved to >= 0 */
    bool keep_dims;             /* mean, fully_connected */
    bool align_corners, half_pixel_centers; /* resize */
    float beta;                 /* softmax */
    const void *custom;         /* custom node types: bytes of the file's options, borrowed */
    size_t custom_size;
} lab_attrs;

/*
 * A node with everything known about it. `in[i]` is NULL for an absent optional input and has
 * `data` set exactly when it is a constant; `out[i]` never has data. All pointers live as long as
 * the model.
 */
typedef struct lab_node {
    const char *op;   /* node type, e.g. "conv_2d" */
    const char *name; /* of its first output, from the file */
    uint32_t index;   /* operator index in the file */
    uint32_t n_in, n_out;
    const lab_tensor *const *in;
    const lab_tensor *const *out;
    lab_attrs attrs;
} lab_node;

#define LAB_NODE_MAX_IN 16
#define LAB_NODE_MAX_OUT 4

/* What shape inference reads and fills. */
typedef struct lab_infer {
    const lab_tensor *const *in; /* as in lab_node */
    uint32_t n_in;
    uint32_t n_out;
    lab_attrs *attrs;
    lab_tensor *const *out; /* dtype and quant as the file says; rank and shape are to be checked
                               against the rule where the file gives them (rank != UINT32_MAX),
                               else to be set */
    lab_error *error;       /* filled on failure: see lab_infer_fail */
} lab_infer;

/* A kind of node. File formats map their operators to node types by name. */
typedef struct lab_node_type {
    const char *name; /* lower case ("conv_2d"), or the custom name a file uses */
    const char *summary;
    uint32_t min_in, max_in;
    uint32_t n_out;
    lab_status (*infer)(lab_infer *infer);
} lab_node_type;

/* ------------------------------------------------------------------------------------------- *
 * Kernels: how a node is computed
 * ------------------------------------------------------------------------------------------- */

/* CPU features a kernel needs; the host offers it only nodes on CPUs (and systems) with all. */
#define LAB_CPU_SSE41 (UINT64_C(1) << 0)
#define LAB_CPU_AVX2 (UINT64_C(1) << 1)       /* AVX2 and FMA */
#define LAB_CPU_AVX512 (UINT64_C(1) << 2)     /* AVX-512 F, BW, DQ and VL */
#define LAB_CPU_AVX512VNNI (UINT64_C(1) << 3)
#define LAB_CPU_AVXVNNI (UINT64_C(1) << 4)
#define LAB_CPU_NEON (UINT64_C(1) << 32)
#define LAB_CPU_DOTPROD (UINT64_C(1) << 33)

typedef struct lab_prepare lab_prepare; /* one node being prepared */

/* One piece of one node's work. Runs allocate nothing and cannot fail. */
typedef struct lab_task {
    const lab_node *node;
    const void *state;       /* what prepare left, read-only */
    const void *const *in;   /* data of the inputs, constants included; NULL where absent */
    void *const *out;        /* data of the outputs */
    uint32_t begin, end;     /* tiles of this piece: begin <= tile < end <= tiles of the node */
    void *scratch;           /* scratch bytes asked for, 64-byte aligned, private to this thread */
} lab_task;

typedef struct lab_kernel {
    const char *name; /* unique, e.g. "reference.conv_2d.u8" */
    const char *op;   /* node type */
    const char *isa;  /* "reference", "avx2", ...: what LUALAB_KERNELS chooses by */
    uint64_t cpu;     /* LAB_CPU_… bits needed */
    /* 0: cannot compute this node; else the higher the better. Reference kernels say 1. */
    int (*match)(const lab_node *node);
    /* Packs weights, builds tables, says how many tiles there are. May be NULL: one tile. */
    lab_status (*prepare)(lab_prepare *prepare, const lab_node *node);
    void (*run)(const lab_task *task);
} lab_kernel;

/* ------------------------------------------------------------------------------------------- *
 * Loaders: model files to graphs
 * ------------------------------------------------------------------------------------------- */

typedef struct lab_builder lab_builder; /* a graph being built */

typedef struct lab_loader {
    const char *name;       /* "tflite" */
    const char *summary;
    const char *extensions; /* "tflite|lite" */
    /* 0: not mine; else the surer the higher (100: magic number seen). `size` may be just the
     * first 64 bytes of the file. `filename` has no directory and may be "". */
    int (*probe)(const uint8_t *bytes, size_t size, const char *filename);
    /* `bytes` outlives the graph: constants may point into it. */
    lab_status (*load)(lab_builder *builder, const uint8_t *bytes, size_t size);
} lab_loader;

#define LAB_VALUE_NONE UINT32_MAX /* an absent optional input */

/* A value of the graph, as lab_add_value takes it. Everything is copied but `data`. */
typedef struct lab_value_desc {
    const char *name;
    lab_dtype dtype;
    uint32_t rank; /* UINT32_MAX: unknown, to be inferred */
    int32_t shape[LAB_MAX_RANK];
    lab_quant quant;
    const void *data; /* constants: `size` bytes, little-endian, any alignment; else NULL */
    size_t size;
} lab_value_desc;

/* A node of the graph, as lab_add_node takes it; inputs must have been added before. */
typedef struct lab_node_desc {
    const char *op;    /* node type */
    const char *label; /* how the file calls the operator ("CONV_2D"), for messages */
    uint32_t index;    /* operator index in the file */
    const uint32_t *in;
    uint32_t n_in;
    const uint32_t *out;
    uint32_t n_out;
    lab_attrs attrs;
} lab_node_desc;

/* ------------------------------------------------------------------------------------------- *
 * Readers: files of values to tensors, pictures, label maps and masks (since 1.1)
 * ------------------------------------------------------------------------------------------- */

/*
 * lab.read("map.npy") in Lua. What a file holds decides the kind of the result, so `read` says it
 * when it asks for its result: lab_result(call, LAB_LABELMAP, …). All services of operators' calls
 * are there but inputs and arguments.
 */
typedef struct lab_reader {
    const char *name;       /* "npy" */
    const char *summary;
    const char *extensions; /* "npy|npz" */
    /* As lab_loader.probe, but `bytes` is the whole file. */
    int (*probe)(const uint8_t *bytes, size_t size, const char *filename);
    lab_status (*read)(lab_call *call, const uint8_t *bytes, size_t size);
} lab_reader;

/* ------------------------------------------------------------------------------------------- *
 * Services: long-lived objects with a state, and methods (since 1.2)
 * ------------------------------------------------------------------------------------------- */

/*
 * What is no operation on a value: a server, a device, a connection. In Lua
 *
 *     local counter <close> = assert(core.service "counter" { start = 3 })
 *     print(counter:add(4))
 *
 * opens an object of service "counter" and calls its method "counter.add". The host checks options
 * of both as it does for operators; it closes each object once, at the latest before the plugin's
 * `fini`, and calls no method of it then or afterwards.
 *
 * A method is a lab_op whose name is SERVICE.METHOD, whose `in` is LAB_NONE, and whose `out` may
 * also be
 *   LAB_NONE                        nothing: true in Lua
 *   LAB_BOOL, LAB_INT               lab_result_int
 *   LAB_FLOAT, LAB_STRING           lab_result_float, lab_result_string
 *   LAB_RECORD                      a row by lab_record_begin, or none: nil in Lua
 * It finds the object with lab_object. Open and methods of one object are called one after the other;
 * threads that an object has of its own are its own business, and may use none of the call's
 * functions. A method that waits polls lab_should_stop; others work also when a stop was asked for.
 */
typedef struct lab_service {
    const char *name;    /* "counter": no kind of value (image, map, mask, tensor) */
    const char *summary; /* one line */
    const char *doc;     /* more; may be NULL */
    const lab_param *params; /* options of open; ends with LAB_PARAM_END; NULL: none */
    /* Makes the object (never NULL on success), or fails with lab_fail and leaves nothing. */
    lab_status (*open)(lab_call *call, void **object);
    void (*close)(void *object);
    const lab_op *const *methods; /* ends with NULL; none is named close */
} lab_service;

/* ------------------------------------------------------------------------------------------- *
 * The host's table
 * ------------------------------------------------------------------------------------------- */

typedef struct lab_context lab_context; /* opaque: allocator, threads, stop flag, log */

typedef void lab_range_fn(void *user, uint32_t begin, uint32_t end);

/* Append-only. Call through the inline functions below. */
typedef struct lab_host_api {
    uint32_t abi;  /* LAB_ABI_VERSION of the host */
    uint32_t size; /* sizeof(lab_host_api) of the host */
    const char *version; /* of lualab, "0.1.0" */

    /* operators */
    const lab_tensor *(*input)(const lab_call *call);
    bool (*given)(const lab_call *call, uint32_t param);
    int64_t (*arg_int)(const lab_call *call, uint32_t param); /* LAB_INT, BOOL, ENUM, COLOR */
    double (*arg_float)(const lab_call *call, uint32_t param);
    const char *(*arg_string)(const lab_call *call, uint32_t param, size_t *size);
    const double *(*arg_floats)(const lab_call *call, uint32_t param, uint32_t *count);
    const int32_t *(*arg_classes)(const lab_call *call, uint32_t param, uint32_t *count);
    const lab_tensor *(*arg_tensor)(const lab_call *call, uint32_t param);
    lab_tensor *(*result)(lab_call *call, lab_type kind, lab_dtype dtype, uint32_t rank,
                          const int32_t *shape);
    void (*result_labels)(lab_call *call, const lab_tensor *from);
    uint8_t *(*result_bytes)(lab_call *call, size_t size);
    lab_status (*record_begin)(lab_call *call);
    lab_status (*record_int)(lab_call *call, const char *field, int64_t value);
    lab_status (*record_float)(lab_call *call, const char *field, double value);
    lab_status (*record_string)(lab_call *call, const char *field, const char *value);
    lab_status (*record_list)(lab_call *call, const char *field, const int32_t *values,
                              uint32_t count);
    void *(*call_alloc)(lab_call *call, size_t size);
    lab_status (*call_parallel)(lab_call *call, uint32_t count, uint32_t grain, lab_range_fn *fn,
                                void *user);
    bool (*call_should_stop)(const lab_call *call);
    lab_status (*call_status)(const lab_call *call);
    lab_status (*call_vfail)(lab_call *call, lab_status status, const char *fmt, va_list args);

    /* label sets */
    uint32_t (*label_count)(const lab_labels *labels);
    const char *(*label_name)(const lab_labels *labels, uint32_t id);
    uint32_t (*label_color)(const lab_labels *labels, uint32_t id); /* 0xRRGGBB */

    /* kernels */
    void *(*prepare_alloc)(lab_prepare *prepare, size_t size);
    void (*prepare_state)(lab_prepare *prepare, const void *state);
    void (*prepare_tiles)(lab_prepare *prepare, uint32_t tiles, size_t scratch_size);
    lab_status (*prepare_vfail)(lab_prepare *prepare, lab_status status, const char *fmt,
                                va_list args);

    /* loaders */
    lab_status (*add_value)(lab_builder *builder, const lab_value_desc *value, uint32_t *id);
    lab_status (*add_node)(lab_builder *builder, const lab_node_desc *node);
    lab_status (*add_input)(lab_builder *builder, uint32_t value);
    lab_status (*add_output)(lab_builder *builder, uint32_t value);
    void *(*builder_alloc)(lab_builder *builder, size_t size);
    bool (*has_node_type)(const lab_builder *builder, const char *op);
    const char *(*node_type_names)(lab_builder *builder);
    lab_status (*builder_vfail)(lab_builder *builder, lab_status status, const char *fmt,
                                va_list args);

    /* since 1.2: services */
    void *(*object)(const lab_call *call);
    lab_status (*result_int)(lab_call *call, int64_t value);
    lab_status (*result_float)(lab_call *call, double value);
    lab_status (*result_string)(lab_call *call, const char *value);
    lab_status (*record_bytes)(lab_call *call, const char *field, const void *bytes, size_t size);
    lab_context *(*context)(const lab_call *call);
    void (*interrupt)(lab_context *context);
} lab_host_api;

/* Whether the host's table reaches as far as this member: LAB_HOST_HAS(api, call_alloc). */
#define LAB_HOST_HAS(api, member)                                                                  \
    ((api)->size >= offsetof(lab_host_api, member) + sizeof((api)->member))

/* Opaque handles start with a pointer to the table that serves them. */
#define LAB_API_OF(handle) (*(const lab_host_api *const *)(const void *)(handle))

/* ---- operators ---- */

/* The first input; its kind is the operator's `in`. Borrowed for the call. */
static inline const lab_tensor *lab_input(const lab_call *call)
{
    return LAB_API_OF(call)->input(call);
}
/* Whether parameter `param` (position in lab_op.params) was passed or has a default. */
static inline bool lab_given(const lab_call *call, uint32_t param)
{
    return LAB_API_OF(call)->given(call, param);
}
/* A LAB_INT, LAB_BOOL (0, 1), LAB_ENUM (position) or LAB_COLOR (0xRRGGBBAA) argument. */
static inline int64_t lab_arg_int(const lab_call *call, uint32_t param)
{
    return LAB_API_OF(call)->arg_int(call, param);
}
static inline double lab_arg_float(const lab_call *call, uint32_t param)
{
    return LAB_API_OF(call)->arg_float(call, param);
}
/* A LAB_STRING or LAB_BYTES argument; NULL when absent. `size` may be NULL. */
static inline const char *lab_arg_string(const lab_call *call, uint32_t param, size_t *size)
{
    return LAB_API_OF(call)->arg_string(call, param, size);
}
/* A LAB_FLOATS argument; NULL and 0 when absent. */
static inline const double *lab_arg_floats(const lab_call *call, uint32_t param, uint32_t *count)
{
    return LAB_API_OF(call)->arg_floats(call, param, count);
}
/* A LAB_CLASSES argument: ids, names already looked up; NULL and 0 when absent. */
static inline const int32_t *lab_arg_classes(const lab_call *call, uint32_t param,
                                             uint32_t *count)
{
    return LAB_API_OF(call)->arg_classes(call, param, count);
}
/* A tensor argument of any kind; NULL when absent. */
static inline const lab_tensor *lab_arg_tensor(const lab_call *call, uint32_t param)
{
    return LAB_API_OF(call)->arg_tensor(call, param);
}
/*
 * Allocates the result: `shape` has `rank` dimensions, each >= 1. The data are not initialised.
 * NULL when memory or a size limit is exceeded: return lab_call_status(call) then.
 */
static inline lab_tensor *lab_result(lab_call *call, lab_type kind, lab_dtype dtype,
                                     uint32_t rank, const int32_t *shape)
{
    return LAB_API_OF(call)->result(call, kind, dtype, rank, shape);
}
/* Gives a label map result the label set of `from`. */
static inline void lab_result_labels(lab_call *call, const lab_tensor *from)
{
    LAB_API_OF(call)->result_labels(call, from);
}
/* A result with the kind, dtype, shape and label set of `like`. */
static inline lab_tensor *lab_result_like(lab_call *call, const lab_tensor *like)
{
    lab_tensor *out = lab_result(call, like->kind, like->dtype, like->rank, like->shape);
    if (out && like->kind == LAB_LABELMAP)
        lab_result_labels(call, like);
    return out;
}
/* Allocates a LAB_BYTES result of `size` bytes; NULL as lab_result. */
static inline uint8_t *lab_result_bytes(lab_call *call, size_t size)
{
    return LAB_API_OF(call)->result_bytes(call, size);
}
/* LAB_RECORDS: starts a row; the lab_record_… calls that follow add its fields, in order. */
static inline lab_status lab_record_begin(lab_call *call)
{
    return LAB_API_OF(call)->record_begin(call);
}
static inline lab_status lab_record_int(lab_call *call, const char *field, int64_t value)
{
    return LAB_API_OF(call)->record_int(call, field, value);
}
static inline lab_status lab_record_float(lab_call *call, const char *field, double value)
{
    return LAB_API_OF(call)->record_float(call, field, value);
}
static inline lab_status lab_record_string(lab_call *call, const char *field, const char *value)
{
    return LAB_API_OF(call)->record_string(call, field, value);
}
static inline lab_status lab_record_list(lab_call *call, const char *field,
                                         const int32_t *values, uint32_t count)
{
    return LAB_API_OF(call)->record_list(call, field, values, count);
}
/* Zeroed memory until the call ends; NULL when there is none (status set). Not from a worker. */
static inline void *lab_call_alloc(lab_call *call, size_t size)
{
    return LAB_API_OF(call)->call_alloc(call, size);
}
/*
 * Runs fn(user, begin, end) over pieces of 0 .. count-1 of at least `grain` items on the host's
 * threads, the caller's included; returns when all are done. LAB_E_INTERRUPTED (status set) when
 * stopped: some pieces then never ran.
 */
static inline lab_status lab_parallel_for(lab_call *call, uint32_t count, uint32_t grain,
                                          lab_range_fn *fn, void *user)
{
    return LAB_API_OF(call)->call_parallel(call, count, grain, fn, user);
}
/* True once the user asked to stop; long loops outside lab_parallel_for poll it. */
static inline bool lab_should_stop(const lab_call *call)
{
    return LAB_API_OF(call)->call_should_stop(call);
}
/* The status of the failure so far; LAB_OK if none. */
static inline lab_status lab_call_status(const lab_call *call)
{
    return LAB_API_OF(call)->call_status(call);
}
/* Sets the error of the call and returns `status`: `return lab_fail(call, LAB_E_INVALID, …)`. */
LAB_PRINTF(3, 4)
static inline lab_status lab_fail(lab_call *call, lab_status status, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    lab_status result = LAB_API_OF(call)->call_vfail(call, status, fmt, args);
    va_end(args);
    return result;
}

/* ---- services (since 1.2) ---- */

/* What `open` made; NULL in `open` itself. */
static inline void *lab_object(const lab_call *call)
{
    return LAB_API_OF(call)->object(call);
}
/* The result of a method that gives a LAB_INT or LAB_BOOL (0, 1). */
static inline lab_status lab_result_int(lab_call *call, int64_t value)
{
    return LAB_API_OF(call)->result_int(call, value);
}
static inline lab_status lab_result_float(lab_call *call, double value)
{
    return LAB_API_OF(call)->result_float(call, value);
}
/* UTF-8; copied. */
static inline lab_status lab_result_string(lab_call *call, const char *value)
{
    return LAB_API_OF(call)->result_string(call, value);
}
/* A field of any bytes in the current row, of operators too; copied. */
static inline lab_status lab_record_bytes(lab_call *call, const char *field, const void *bytes,
                                          size_t size)
{
    return LAB_API_OF(call)->record_bytes(call, field, bytes, size);
}
/* The host's context: lives longer than any object. For lab_interrupt. */
static inline lab_context *lab_context_of(const lab_call *call)
{
    return LAB_API_OF(call)->context(call);
}
/*
 * Asks for a stop as Ctrl-C does: operators and networks that run end soon with
 * LAB_E_INTERRUPTED, and new ones do not begin until the script answers (core.clear_stop). From any
 * thread; `api` is what `init` got, or LAB_API_OF(call).
 */
static inline void lab_interrupt(const lab_host_api *api, lab_context *context)
{
    api->interrupt(context);
}

/* ---- kernels ---- */

/* Zeroed, 64-byte aligned memory that lives as long as the prepared model; NULL: status set. */
static inline void *lab_prepare_alloc(lab_prepare *prepare, size_t size)
{
    return LAB_API_OF(prepare)->prepare_alloc(prepare, size);
}
/* What run gets as task->state: memory from lab_prepare_alloc. */
static inline void lab_prepare_state(lab_prepare *prepare, const void *state)
{
    LAB_API_OF(prepare)->prepare_state(prepare, state);
}
/* The node's work falls into `tiles` independent tiles (>= 1); each thread gets scratch bytes. */
static inline void lab_prepare_tiles(lab_prepare *prepare, uint32_t tiles, size_t scratch_size)
{
    LAB_API_OF(prepare)->prepare_tiles(prepare, tiles, scratch_size);
}
LAB_PRINTF(3, 4)
static inline lab_status lab_prepare_fail(lab_prepare *prepare, lab_status status,
                                          const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    lab_status result = LAB_API_OF(prepare)->prepare_vfail(prepare, status, fmt, args);
    va_end(args);
    return result;
}

/* ---- node types ---- */

/* `return lab_infer_fail(infer, LAB_E_FORMAT, …)`; the host adds operator and index in front. */
LAB_PRINTF(3, 4)
static inline lab_status lab_infer_fail(lab_infer *infer, lab_status status, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(infer->error->message, sizeof infer->error->message, fmt, args);
    va_end(args);
    infer->error->status = status;
    return status;
}

/* ---- loaders ---- */

/* Adds a value and gives its id (0, 1, … in order of calls). */
static inline lab_status lab_add_value(lab_builder *builder, const lab_value_desc *value,
                                       uint32_t *id)
{
    return LAB_API_OF(builder)->add_value(builder, value, id);
}
/*
 * Adds a node. Fails with a sentence when the type is unknown, an input has no producer yet (so a
 * cycle cannot be built), an output has one already, or shape inference refuses.
 */
static inline lab_status lab_add_node(lab_builder *builder, const lab_node_desc *node)
{
    return LAB_API_OF(builder)->add_node(builder, node);
}
/* Declares a value to be the model's next input: call before the nodes that read it. */
static inline lab_status lab_add_input(lab_builder *builder, uint32_t value)
{
    return LAB_API_OF(builder)->add_input(builder, value);
}
static inline lab_status lab_add_output(lab_builder *builder, uint32_t value)
{
    return LAB_API_OF(builder)->add_output(builder, value);
}
/* Zeroed memory that lives as long as the graph; NULL when there is none (status set). */
static inline void *lab_builder_alloc(lab_builder *builder, size_t size)
{
    return LAB_API_OF(builder)->builder_alloc(builder, size);
}
static inline bool lab_has_node_type(const lab_builder *builder, const char *op)
{
    return LAB_API_OF(builder)->has_node_type(builder, op);
}
/* The node types there are, sorted, "a, b, c": for messages. */
static inline const char *lab_node_type_names(lab_builder *builder)
{
    return LAB_API_OF(builder)->node_type_names(builder);
}
LAB_PRINTF(3, 4)
static inline lab_status lab_builder_fail(lab_builder *builder, lab_status status,
                                          const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    lab_status result = LAB_API_OF(builder)->builder_vfail(builder, status, fmt, args);
    va_end(args);
    return result;
}

/* ------------------------------------------------------------------------------------------- *
 * The plugin
 * ------------------------------------------------------------------------------------------- */

typedef struct lab_plugin {
    uint32_t abi;      /* LAB_ABI_VERSION the plugin was built with */
    uint32_t size;     /* sizeof(lab_plugin) it was built with */
    const char *build; /* compiler and pointer size, for diagnostics */
    const char *name;  /* unique, lower case */
    const char *version;
    const char *summary;
    const char *licence; /* SPDX */
    const lab_op *const *ops; /* each list ends with NULL; a NULL list is empty */
    const lab_node_type *const *node_types;
    const lab_kernel *const *kernels;
    const lab_loader *const *loaders;
    /* Called once before registration; a failure means nothing is registered. May be NULL. */
    lab_status (*init)(const lab_host_api *api, lab_error *error);
    void (*fini)(void); /* called before unloading when init succeeded; may be NULL */
    /* since 1.1 */
    const lab_reader *const *readers;
    /* since 1.2 */
    const lab_service *const *services;
} lab_plugin;

/*
 * For `init`: refuses hosts that are older than a minor version, with a sentence. A plugin that is
 * of no use without something newer than 1.0 returns this; one that can do without does not.
 */
static inline lab_status lab_need_minor(const lab_host_api *api, uint32_t minor, lab_error *error)
{
    uint32_t has = api->abi & 0xffffu;
    if (has >= minor)
        return LAB_OK;
    error->status = LAB_E_ABI;
    snprintf(error->message, sizeof error->message,
             "it needs plugin ABI %u.%u, but this lualab has %u.%u; use a newer lualab",
             LAB_ABI_MAJOR, minor, api->abi >> 16, has);
    return LAB_E_ABI;
}

#if defined(__clang__)
#define LAB_BUILD_COMPILER "clang " __clang_version__
#elif defined(__GNUC__)
#define LAB_BUILD_COMPILER "gcc " __VERSION__
#else
#define LAB_BUILD_COMPILER "unknown compiler"
#endif

/* The first members of a descriptor. */
#define LAB_PLUGIN_HEAD \
    .abi = LAB_ABI_VERSION, .size = (uint32_t)sizeof(lab_plugin), .build = LAB_BUILD_COMPILER

typedef const lab_plugin *lab_plugin_entry_fn(const lab_host_api *api);

/*
 * Defines the exported function. In a static build (LAB_PLUGIN_STATIC) it is called
 * lab_plugin_entry_NAME and the host finds it in the list that CMake writes
 * (src/plugin/static_plugins.c.in).
 */
#ifdef LAB_PLUGIN_STATIC
#define LAB_PLUGIN_ENTRY(plugin_name, descriptor) \
    const lab_plugin *lab_plugin_entry_##plugin_name(const lab_host_api *api); \
    const lab_plugin *lab_plugin_entry_##plugin_name(const lab_host_api *api) \
    { \
        (void)api; \
        return (descriptor); \
    }
#else
#define LAB_PLUGIN_ENTRY(plugin_name, descriptor) \
    LAB_EXPORT const lab_plugin *lab_plugin_entry(const lab_host_api *api); \
    LAB_EXPORT const lab_plugin *lab_plugin_entry(const lab_host_api *api) \
    { \
        (void)api; \
        return (descriptor); \
    }
#endif

/* ------------------------------------------------------------------------------------------- *
 * Small helpers that need no host
 * ------------------------------------------------------------------------------------------- */

/* Bytes of one element; 0 for a dtype that does not exist. */
static inline size_t lab_dtype_size(lab_dtype dtype)
{
    switch (dtype) {
    case LAB_U8: case LAB_I8: return 1;
    case LAB_U16: case LAB_I16: case LAB_F16: return 2;
    case LAB_I32: case LAB_F32: return 4;
    case LAB_I64: return 8;
    }
    return 0;
}

/* The scale and zero point of index `i` along the quantised axis. */
static inline float lab_quant_scale(const lab_quant *quant, uint32_t i)
{
    return quant->count > 1 ? quant->scales[i] : quant->scale;
}
static inline int32_t lab_quant_zero(const lab_quant *quant, uint32_t i)
{
    return quant->count > 1 ? quant->zero_points[i] : quant->zero_point;
}

#ifdef __cplusplus
}
#endif

#endif
