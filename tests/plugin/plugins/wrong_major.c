/* Built for another major version of the plugin ABI: nothing behind the size may be read. */
#include "lab_plugin.h"

static const struct foreign {
    uint32_t abi, size;
} plugin = { (LAB_ABI_MAJOR + 1) << 16, 8 };
LAB_PLUGIN_ENTRY(wrong_major, (const lab_plugin *)(const void *)&plugin)
