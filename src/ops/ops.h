/* The built-in operators, one family a file, as a plugin descriptor to register. */
#ifndef LAB_OPS_OPS_H
#define LAB_OPS_OPS_H

#include "lab_plugin.h"

extern const lab_plugin lab_builtin_ops;

/* The same operators by the kind of their input; each list ends with NULL. */
extern const lab_op *const lab_ops_image[];
extern const lab_op *const lab_ops_tensor[];
extern const lab_op *const lab_ops_labelmap[];
extern const lab_op *const lab_ops_mask[];

#endif
