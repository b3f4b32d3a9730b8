/* Parameters as descriptors and users write them; see param.h. */
#include "plugin/param.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "tensor/tensor.h"

bool lab_choices_split(const char *choices, lab_choices *out)
{
    size_t size = strnlen(choices, sizeof out->text);
    out->count = 0;
    if (size == sizeof out->text)
        return false;
    memcpy(out->text, choices, size + 1);
    for (char *at = out->text;; at++) {
        char *end = at + strcspn(at, "|");
        bool last = *end == '\0';
        *end = '\0';
        if (end == at || out->count == LAB_CHOICES_MAX)
            return false;
        for (uint32_t i = 0; i < out->count; i++) {
            if (strcmp(out->names[i], at) == 0)
                return false;
        }
        out->names[out->count++] = at;
        if (last)
            return true;
        at = end;
    }
}

uint32_t lab_param_count(const lab_param *params)
{
    uint32_t count = 0;
    while (params && params[count].name)
        count++;
    return count;
}

bool lab_parse_int(const char *text, int64_t *value)
{
    const char *digits = text + (*text == '-' || *text == '+');
    if (*digits < '0' || *digits > '9')
        return false;
    char *end;
    errno = 0;
    long long parsed = strtoll(text, &end, 10);
    *value = parsed;
    return *end == '\0' && errno == 0;
}

bool lab_parse_float(const char *text, double *value)
{
    if (!*text || text[strspn(text, "0123456789+-.eE")] != '\0')
        return false; /* no hexadecimal, no "nan", no blanks */
    char *end;
    *value = strtod(text, &end);
    return *end == '\0' && isfinite(*value);
}

static int hex_digit(char c)
{
    c = lab_lower(c);
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The digits after "#". One digit stands for itself twice. */
static bool parse_hex_color(const char *digits, uint32_t *rgba)
{
    size_t length = strlen(digits);
    if (length != 3 && length != 6 && length != 8)
        return false;
    uint32_t value = 0;
    for (size_t i = 0; i < length; i++) {
        int digit = hex_digit(digits[i]);
        if (digit < 0)
            return false;
        value = value << 4 | (uint32_t)digit;
        if (length == 3)
            value = value << 4 | (uint32_t)digit;
    }
    *rgba = length == 8 ? value : value << 8 | 0xffu;
    return true;
}

/* The 16 basic colour keywords of CSS, and the one for none at all. */
static const struct named_color {
    const char *name;
    uint32_t rgba;
} named_colors[] = {
    { "black", 0x000000ffu },  { "silver", 0xc0c0c0ffu }, { "gray", 0x808080ffu },
    { "grey", 0x808080ffu },   { "white", 0xffffffffu },  { "maroon", 0x800000ffu },
    { "red", 0xff0000ffu },    { "purple", 0x800080ffu }, { "fuchsia", 0xff00ffffu },
    { "green", 0x008000ffu },  { "lime", 0x00ff00ffu },   { "olive", 0x808000ffu },
    { "yellow", 0xffff00ffu }, { "navy", 0x000080ffu },   { "blue", 0x0000ffffu },
    { "teal", 0x008080ffu },   { "aqua", 0x00ffffffu },   { "transparent", 0x00000000u },
};
#define N_COLORS (sizeof named_colors / sizeof named_colors[0])

bool lab_parse_color(const char *text, uint32_t *rgba)
{
    if (*text == '#')
        return parse_hex_color(text + 1, rgba);
    for (size_t i = 0; i < N_COLORS; i++) {
        if (lab_same_text(text, named_colors[i].name)) {
            *rgba = named_colors[i].rgba;
            return true;
        }
    }
    return false;
}

bool lab_next_item(const char **at, const char **item, size_t *size)
{
    const char *p = *at;
    p += strspn(p, " \t");
    if (*p == '\0')
        return false;
    size_t length = strcspn(p, ",");
    *at = p + length + (p[length] == ',');
    while (length > 0 && (p[length - 1] == ' ' || p[length - 1] == '\t'))
        length--;
    *item = p;
    *size = length;
    return true;
}

/* What a value of the type looks like, for people. */
static const char *expected(lab_type type)
{
    switch (type) {
    case LAB_BOOL:
        return "true or false";
    case LAB_INT:
        return "a whole number";
    case LAB_FLOAT:
        return "a number";
    case LAB_STRING:
        return "text in UTF-8";
    case LAB_COLOR:
        return "a colour (\"#rgb\", \"#rrggbb\", \"#rrggbbaa\", a CSS name or {r, g, b[, a]} of "
               "0..255)";
    case LAB_CLASSES:
        return "class ids (0..65535) or label names, or a list of them";
    case LAB_FLOATS:
        return "a list of numbers";
    case LAB_BYTES:
        return "a byte string";
    case LAB_TENSOR:
        return "a tensor";
    case LAB_IMAGE:
        return "an image";
    case LAB_LABELMAP:
        return "a label map";
    case LAB_MASK:
        return "a mask";
    default:
        return lab_type_name(type);
    }
}

/* "one of area, bilinear, nearest" */
static void list_choices(const lab_choices *choices, char *text, size_t size)
{
    size_t used = 0;
    for (uint32_t i = 0; i < choices->count && used < size; i++) {
        int n = snprintf(text + used, size - used, "%s%s", i ? ", " : "one of ", choices->names[i]);
        used += n > 0 ? (size_t)n : 0;
    }
}

lab_status lab_param_mismatch(const lab_param *param, const char *got, lab_error *error)
{
    lab_choices choices;
    char text[LAB_CHOICES_SIZE];
    const char *what = expected(param->type);
    if (param->type == LAB_ENUM && lab_choices_split(param->choices, &choices)) {
        list_choices(&choices, text, sizeof text);
        what = text;
    }
    return lab_error_set(error, LAB_E_INVALID, "%s must be %s, got %s", param->name, what, got);
}

static bool bounded(const lab_param *param)
{
    return param->min != 0 || param->max != 0;
}

static lab_status out_of_range(const lab_param *param, const char *got, lab_error *error)
{
    return lab_error_set(error, LAB_E_INVALID, "%s must be %.15g..%.15g, got %s", param->name,
                         param->min, param->max, got);
}

lab_status lab_param_check_number(const lab_param *param, double value, lab_error *error)
{
    char got[40];
    snprintf(got, sizeof got, "%.15g", value);
    if (!isfinite(value))
        return lab_param_mismatch(param, got, error);
    if (bounded(param) && (value < param->min || value > param->max))
        return out_of_range(param, got, error);
    return LAB_OK;
}

lab_status lab_param_check_int(const lab_param *param, int64_t value, lab_error *error)
{
    char got[40];
    snprintf(got, sizeof got, "%" PRId64, value);
    if (bounded(param) && ((double)value < param->min || (double)value > param->max))
        return out_of_range(param, got, error);
    return LAB_OK;
}

lab_status lab_param_check_choice(const lab_param *param, const char *text, uint32_t *position,
                                  lab_error *error)
{
    lab_choices choices;
    if (!lab_choices_split(param->choices, &choices))
        return lab_error_set(error, LAB_E_INVALID, "%s: its choices are malformed", param->name);
    for (uint32_t i = 0; i < choices.count; i++) {
        if (strcmp(choices.names[i], text) == 0) {
            *position = i;
            return LAB_OK;
        }
    }
    char got[160];
    const char *nearest = lab_nearest(text, choices.names, choices.count);
    snprintf(got, sizeof got, "\"%.60s\"%s%s%s", text, nearest ? "; did you mean \"" : "",
             nearest ? nearest : "", nearest ? "\"?" : "");
    return lab_param_mismatch(param, got, error);
}

lab_status lab_param_check_color(const lab_param *param, const char *text, uint32_t *rgba,
                                 lab_error *error)
{
    if (lab_parse_color(text, rgba))
        return LAB_OK;
    const char *names[N_COLORS];
    for (size_t i = 0; i < N_COLORS; i++)
        names[i] = named_colors[i].name;
    char got[120];
    const char *nearest = *text == '#' ? NULL : lab_nearest(text, names, N_COLORS);
    snprintf(got, sizeof got, "\"%.60s\"%s%s%s", text, nearest ? "; did you mean \"" : "",
             nearest ? nearest : "", nearest ? "\"?" : "");
    return lab_param_mismatch(param, got, error);
}

lab_status lab_param_check_class(const lab_param *param, double value, int32_t *id,
                                 lab_error *error)
{
    if (value >= 0 && value <= 65535 && value == floor(value)) {
        *id = (int32_t)value;
        return LAB_OK;
    }
    char got[40];
    snprintf(got, sizeof got, "%.15g", value);
    return lab_param_mismatch(param, got, error);
}

static lab_status check_default_list(const lab_param *param, lab_error *error)
{
    const char *at = param->def, *item;
    size_t size;
    while (lab_next_item(&at, &item, &size)) {
        char text[64];
        double value;
        snprintf(text, sizeof text, "%.*s", (int)(size < 63 ? size : 63), item);
        bool number = lab_parse_float(text, &value);
        int32_t id;
        lab_status status = LAB_OK;
        if (size == 0 || (param->type == LAB_FLOATS && !number))
            status = lab_param_mismatch(param, param->def, error);
        else if (param->type == LAB_FLOATS)
            status = lab_param_check_number(param, value, error);
        else if (number)
            status = lab_param_check_class(param, value, &id, error);
        if (status)
            return status;
    }
    return LAB_OK;
}

lab_status lab_param_check_default(const lab_param *param, lab_error *error)
{
    int64_t integer;
    double number;
    uint32_t value;
    switch (param->type) {
    case LAB_BOOL:
        if (strcmp(param->def, "true") == 0 || strcmp(param->def, "false") == 0)
            return LAB_OK;
        break;
    case LAB_INT:
        if (lab_parse_int(param->def, &integer))
            return lab_param_check_int(param, integer, error);
        break;
    case LAB_FLOAT:
        if (lab_parse_float(param->def, &number))
            return lab_param_check_number(param, number, error);
        break;
    case LAB_ENUM:
        return lab_param_check_choice(param, param->def, &value, error);
    case LAB_COLOR:
        return lab_param_check_color(param, param->def, &value, error);
    case LAB_CLASSES:
    case LAB_FLOATS:
        return check_default_list(param, error);
    case LAB_STRING:
        if (lab_utf8_valid(param->def, strlen(param->def)))
            return LAB_OK;
        break;
    case LAB_BYTES:
        return LAB_OK;
    default:
        return lab_error_set(error, LAB_E_INVALID, "%s: a parameter of type %s has no default",
                             param->name, lab_type_name(param->type));
    }
    char got[80];
    snprintf(got, sizeof got, "\"%.60s\"", param->def);
    return lab_param_mismatch(param, got, error);
}
