/* What several operators need: see support.h. */
#include "ops/support.h"

#include <string.h>

lab_status ops_finish(lab_call *call, lab_status status, lab_tensor *out, const lab_error *error)
{
    if (status)
        return lab_fail(call, status, "%s", error->message);
    return lab_call_give(call, out);
}

lab_status ops_same_size(lab_call *call, const lab_tensor *a, const lab_tensor *b, const char *what)
{
    if (ops_width(a) == ops_width(b) && ops_height(a) == ops_height(b))
        return LAB_OK;
    return lab_fail(call, LAB_E_INVALID, "the %s is %dx%d, the %s %dx%d: resize one of them first",
                    lab_type_name(a->kind), ops_width(a), ops_height(a), what, ops_width(b),
                    ops_height(b));
}

void ops_copy(lab_tensor *out, const lab_tensor *in)
{
    memcpy(out->data, in->data, in->size);
}

uint32_t ops_max_id(const lab_tensor *map)
{
    size_t count = (size_t)ops_width(map) * (size_t)ops_height(map);
    uint32_t max = 0;
    if (map->dtype == LAB_U16) {
        const uint16_t *ids = map->data;
        for (size_t i = 0; i < count; i++)
            max = ids[i] > max ? ids[i] : max;
    } else {
        const uint8_t *ids = map->data;
        for (size_t i = 0; i < count; i++)
            max = ids[i] > max ? ids[i] : max;
    }
    return max;
}
