/* The plugin header alone, before anything else has been included. */
#include "lab_plugin.h"

int plugin_header_stands_alone(void);

int plugin_header_stands_alone(void)
{
    return (int)LAB_ABI_VERSION;
}
