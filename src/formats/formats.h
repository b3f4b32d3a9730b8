/* The built-in model loaders, as a plugin descriptor to register. */
#ifndef LAB_FORMATS_FORMATS_H
#define LAB_FORMATS_FORMATS_H

#include "lab_plugin.h"

extern const lab_plugin lab_builtin_formats;

#endif
