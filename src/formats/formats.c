/* The model formats that are built in. */
#include "formats/formats.h"

#include "formats/tflite.h"

static const lab_loader *const loaders[] = { &lab_tflite_loader, NULL };

const lab_plugin lab_builtin_formats = {
    LAB_PLUGIN_HEAD,    .name = "formats",
    .version = "1.0.0", .summary = "model files: TensorFlow Lite",
    .licence = "MIT",   .loaders = loaders,
};
