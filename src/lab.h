/*
 * lab.h: lualab for programs that link liblualab. A host owns the context, the registry and the
 * loaded plugins; models, calls and catalogs hang on it and are freed before it.
 *
 *     lab_error error;
 *     lab_host *host;
 *     if (lab_host_new(&(lab_host_options){ .threads = 2 }, &host, &error))
 *         die(error.message);
 *     lab_buffer *file;
 *     lab_model *model;
 *     if (lab_file_map(lab_host_context(host), "pascal.tflite", SIZE_MAX, &file, &error) ||
 *         lab_model_load(lab_host_registry(host), file, "pascal", &model, &error))
 *         die(error.message);
 *     …
 *     lab_model_free(model);
 *     lab_buffer_unref(file);
 *     lab_host_free(host);
 */
#ifndef LAB_H
#define LAB_H

#include "base/context.h"
#include "base/error.h"
#include "base/file.h"
#include "base/pool.h"
#include "catalog/catalog.h"
#include "image/image.h"
#include "model/model.h"
#include "plugin/call.h"
#include "plugin/loader.h"
#include "plugin/service.h"

#define LAB_VERSION "0.1.0"

typedef struct lab_host lab_host;

typedef struct lab_host_options {
    unsigned threads;               /* 0: lab_default_threads() */
    const lab_allocator *allocator; /* NULL: the system's */
    const char *kernels;            /* isa to force; NULL: LUALAB_KERNELS, else the best */
    lab_log_fn *log;
    void *log_user;
    lab_log_level log_level;
} lab_host_options;

/* Registers what is built in (and, in a static build, the plugins linked in). */
lab_status lab_host_new(const lab_host_options *options, lab_host **out, lab_error *error);
void lab_host_free(lab_host *host); /* NULL is allowed */

lab_context *lab_host_context(lab_host *host);
lab_registry *lab_host_registry(lab_host *host);
lab_plugins *lab_host_plugins(lab_host *host);

/*
 * Loads plugins from the folders of LUALAB_PLUGIN_PATH (':' between them), then `folder` (the build
 * or install folder; NULL: none). Never from the working directory. Then applies the forced isa.
 */
lab_status lab_host_load_plugins(lab_host *host, const char *folder, lab_error *error);

#endif
