/*
 * Parameters of operators as their descriptors write them: choices, defaults, bounds, colours.
 * Shared by the check of descriptors and by calls, so that a default can never fail at run time.
 */
#ifndef LAB_PLUGIN_PARAM_H
#define LAB_PLUGIN_PARAM_H

#include "base/error.h"

#define LAB_PARAMS_MAX 64u  /* of one operator */
#define LAB_CHOICES_MAX 64u /* of one LAB_ENUM */
#define LAB_CHOICES_SIZE 512u

/* "area|bilinear|nearest" taken apart. */
typedef struct lab_choices {
    char text[LAB_CHOICES_SIZE];
    const char *names[LAB_CHOICES_MAX];
    uint32_t count;
} lab_choices;

/* False when there are too many, or one is empty or there twice. */
bool lab_choices_split(const char *choices, lab_choices *out);

uint32_t lab_param_count(const lab_param *params); /* NULL: 0 */

/* The whole of `text` as a number (decimal, finite). */
bool lab_parse_int(const char *text, int64_t *value);
bool lab_parse_float(const char *text, double *value);

/* "#rgb", "#rrggbb", "#rrggbbaa", "transparent" or one of the 16 basic colours of CSS (ignoring
 * case), to 0xRRGGBBAA. */
bool lab_parse_color(const char *text, uint32_t *rgba);

/* The next item of "a, b, c" without the blanks around it; false at the end. */
bool lab_next_item(const char **at, const char **item, size_t *size);

/* Each fills `error` with "NAME must be WHAT, got VALUE" when the parameter does not take it. */
lab_status lab_param_check_number(const lab_param *param, double value, lab_error *error);
lab_status lab_param_check_int(const lab_param *param, int64_t value, lab_error *error);
lab_status lab_param_check_choice(const lab_param *param, const char *text, uint32_t *position,
                                  lab_error *error);
lab_status lab_param_check_color(const lab_param *param, const char *text, uint32_t *rgba,
                                 lab_error *error);

/* Class ids are the values a label map can hold. */
lab_status lab_param_check_class(const lab_param *param, double value, int32_t *id,
                                 lab_error *error);

/* "NAME must be WHAT its type takes, got GOT". */
lab_status lab_param_mismatch(const lab_param *param, const char *got, lab_error *error);

/* Whether the descriptor's own default would be accepted (names of classes excepted: they depend
 * on the input). */
lab_status lab_param_check_default(const lab_param *param, lab_error *error);

#endif
