/*
 * The options that must be known before there is a Lua state. They may stand anywhere before "--"
 * and are taken out of the arguments; everything else is the business of scripts/lab/cli.lua.
 *
 *   --threads N     size of the pool
 *   --kernels ISA   only kernels of this instruction set (and reference)
 *   --plugin FILE   load a plugin; may be repeated
 *   -v, -vv         say what is done, and everything
 *   --script FILE   as the first argument: run this Lua file; what follows are its arguments
 */
#include <stdlib.h>
#include <string.h>

#include "host/host.h"

typedef struct cursor {
    char **argv;
    int argc, i;
} cursor;

/*
 * Whether the argument is `name` with its value in `*value`: the next argument, or what follows
 * "name=". A missing value leaves NULL.
 */
static bool take(cursor *at, const char *name, const char **value)
{
    const char *arg = at->argv[at->i];
    size_t length = strlen(name);
    if (strncmp(arg, name, length) != 0 || (arg[length] != '\0' && arg[length] != '='))
        return false;
    if (arg[length] == '=')
        *value = arg + length + 1;
    else
        *value = at->i + 1 < at->argc ? at->argv[++at->i] : NULL;
    if (*value && **value == '\0')
        *value = NULL;
    return true;
}

static lab_status missing(lab_error *error, const char *name, const char *what)
{
    return lab_error_set(error, LAB_E_INVALID, "%s needs a value: %s %s", name, name, what);
}

static lab_status set_threads(lab_options *options, const char *text, lab_error *error)
{
    char *end = NULL;
    long n = text ? strtol(text, &end, 10) : 0;
    if (!text)
        return missing(error, "--threads", "N");
    if (*end != '\0' || n < 1 || n > (long)LAB_MAX_THREADS)
        return lab_error_set(error, LAB_E_INVALID, "--threads must be 1..%u, got '%s'",
                             LAB_MAX_THREADS, text);
    options->threads = (unsigned)n;
    return LAB_OK;
}

static lab_status add_plugin(lab_options *options, const char *path, lab_error *error)
{
    if (!path)
        return missing(error, "--plugin", "FILE");
    if (options->n_plugins == LAB_OPTIONS_MAX_PLUGINS)
        return lab_error_set(error, LAB_E_LIMIT,
                             "--plugin %s: at most %d plugins can be named; put them in a folder "
                             "and name it in LUALAB_PLUGIN_PATH",
                             path, LAB_OPTIONS_MAX_PLUGINS);
    options->plugins[options->n_plugins++] = path;
    return LAB_OK;
}

/* Takes one of our options; *taken tells whether it was one. */
static lab_status take_option(cursor *at, lab_options *options, bool *taken, lab_error *error)
{
    const char *arg = at->argv[at->i];
    const char *value;
    *taken = true;
    if (strcmp(arg, "-v") == 0 || strcmp(arg, "-vv") == 0) {
        options->verbose += arg[2] ? 2 : 1;
        return LAB_OK;
    }
    if (take(at, "--threads", &value))
        return set_threads(options, value, error);
    if (take(at, "--plugin", &value))
        return add_plugin(options, value, error);
    if (take(at, "--kernels", &value)) {
        options->kernels = value;
        return value ? LAB_OK : missing(error, "--kernels", "ISA");
    }
    *taken = false;
    return LAB_OK;
}

lab_status lab_options_parse(int argc, char **argv, lab_options *options, lab_error *error)
{
    memset(options, 0, sizeof *options);
    options->argv = argv;
    options->argc = argc > 0 ? 1 : 0;
    cursor at = { argv, argc, 1 };
    bool ours = true;
    for (; at.i < argc; at.i++) {
        bool taken = false;
        if (ours && strcmp(argv[at.i], "--") == 0)
            ours = false;
        if (ours && options->argc == 1 && take(&at, "--script", &options->script)) {
            if (!options->script)
                return missing(error, "--script", "FILE");
            ours = false;
            continue;
        }
        lab_status status = ours ? take_option(&at, options, &taken, error) : LAB_OK;
        if (status)
            return status;
        if (!taken)
            argv[options->argc++] = argv[at.i];
    }
    if (options->verbose > 2)
        options->verbose = 2;
    return LAB_OK;
}
