/* A shared object that is no plugin. */
#include "lab_plugin.h"

LAB_EXPORT int some_other_library(void);

LAB_EXPORT int some_other_library(void)
{
    return 42;
}
