/* Needs a function that nobody has. */
#include "lab_plugin.h"

void function_that_nobody_has(void);

static void fini(void)
{
    function_that_nobody_has();
}

static const lab_plugin plugin = {
    LAB_PLUGIN_HEAD, .name = "missing", .version = "1",
    .summary = "s",  .licence = "MIT",  .fini = fini,
};
LAB_PLUGIN_ENTRY(missing_symbol, &plugin)
