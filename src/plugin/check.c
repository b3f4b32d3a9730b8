/* The checks of descriptors, one function a structure; see check.h. */
#include "plugin/check.h"

#include <math.h>
#include <string.h>

#include "plugin/param.h"
#include "plugin/registry.h"
#include "tensor/tensor.h"

#define NAME_LENGTH 63

/* No descriptor will ever be larger: what says so is not one. */
#define MOST_PLUGIN_SIZE ((size_t)4096)

/* sizeof(lab_plugin) in ABI 1.0: up to and with `fini`. What is added later comes behind it. */
#define FIRST_PLUGIN_SIZE (offsetof(lab_plugin, fini) + sizeof(void (*)(void)))

lab_status lab_check_abi(const lab_plugin *plugin, lab_plugin *out, lab_error *error)
{
    uint32_t major = plugin->abi >> 16, minor = plugin->abi & 0xffffu;
    if (major != LAB_ABI_MAJOR)
        return lab_error_set(error, LAB_E_ABI,
                             "built for plugin ABI %u.%u, but this lualab has %u.%u; build it "
                             "again with this lualab's lab_plugin.h",
                             major, minor, LAB_ABI_MAJOR, LAB_ABI_MINOR);
    /* Within one minor the size is known; a newer one may have added to the end. */
    size_t most = minor > LAB_ABI_MINOR ? MOST_PLUGIN_SIZE : sizeof *out;
    if (plugin->size < FIRST_PLUGIN_SIZE || plugin->size > most)
        return lab_error_set(error, LAB_E_ABI,
                             "its descriptor says it has %u bytes, expected %zu to %zu; it was "
                             "built for another kind of machine or its head is not LAB_PLUGIN_HEAD",
                             plugin->size, FIRST_PLUGIN_SIZE, most);
    memset(out, 0, sizeof *out);
    memcpy(out, plugin, plugin->size < sizeof *out ? plugin->size : sizeof *out);
    if (!out->build)
        out->build = "unknown compiler";
    return LAB_OK;
}

bool lab_check_offers_more(const lab_plugin *plugin)
{
    const unsigned char *bytes = (const unsigned char *)plugin;
    for (size_t i = sizeof *plugin; i < plugin->size; i++) {
        if (bytes[i])
            return true;
    }
    return false;
}

/* A lower-case letter, then lower-case letters, digits and the characters of `also`. */
static bool is_name(const char *text, const char *also)
{
    if (!text || *text < 'a' || *text > 'z' || strnlen(text, NAME_LENGTH + 1) > NAME_LENGTH)
        return false;
    for (const char *p = text; *p; p++) {
        bool plain = (*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9');
        if (!plain && !strchr(also, *p))
            return false;
    }
    return true;
}

static bool has_text(const char *text)
{
    return text && *text;
}

/* `name` may be missing: then the message says which entry of the list it is. */
static lab_status entry_fail(lab_error *error, const char *what, const char *name, size_t i,
                             const char *problem)
{
    if (has_text(name))
        return lab_error_set(error, LAB_E_INVALID, "%s %.100s: %s", what, name, problem);
    return lab_error_set(error, LAB_E_INVALID, "%s number %zu: %s", what, i + 1, problem);
}

static bool is_param_type(lab_type type)
{
    return type > LAB_NONE && type <= LAB_MASK && type != LAB_RECORDS;
}

static bool is_tensor_type(lab_type type)
{
    return type >= LAB_TENSOR && type <= LAB_MASK;
}

/* What is wrong with a parameter that has a name; NULL when nothing is. */
static const char *param_problem(const lab_param *param)
{
    if (!is_name(param->name, "_"))
        return "its name must be lower-case letters, digits and '_', at most 63";
    if (!is_param_type(param->type))
        return "its type is none that a parameter can have";
    if (!has_text(param->doc))
        return "it has no doc";
    if (param->flags & ~(LAB_PARAM_OPTIONAL | LAB_PARAM_MAIN))
        return "it has flags that are not LAB_PARAM_OPTIONAL or LAB_PARAM_MAIN";
    if (isnan(param->min) || isnan(param->max) || param->min > param->max)
        return "its min is above its max";
    bool number = param->type == LAB_INT || param->type == LAB_FLOAT || param->type == LAB_FLOATS;
    if (!number && (param->min != 0 || param->max != 0))
        return "only numbers have min and max";
    lab_choices choices;
    if (param->type == LAB_ENUM &&
        (!param->choices || !lab_choices_split(param->choices, &choices)))
        return "its choices must be different words with '|' between them, at most 64 in 511 bytes";
    if (param->type != LAB_ENUM && param->choices)
        return "only LAB_ENUM has choices";
    return NULL;
}

/* The parameters of "operator", "service" or "method" `name`. */
static lab_status check_params(const char *what, const char *name, const lab_param *params,
                               lab_error *error)
{
    uint32_t n = lab_param_count(params), mains = 0;
    if (n > LAB_PARAMS_MAX)
        return lab_error_set(error, LAB_E_LIMIT, "%s %s: more than %u parameters", what, name,
                             LAB_PARAMS_MAX);
    for (uint32_t i = 0; i < n; i++) {
        const lab_param *param = &params[i];
        const char *problem = param_problem(param);
        for (uint32_t j = 0; j < i && !problem; j++) {
            if (strcmp(params[j].name, param->name) == 0)
                problem = "there are two of that name";
        }
        mains += (param->flags & LAB_PARAM_MAIN) != 0;
        if (mains > 1 && !problem)
            problem = "a second parameter is LAB_PARAM_MAIN";
        if (problem)
            return lab_error_set(error, LAB_E_INVALID, "%s %s: parameter %.80s: %s", what, name,
                                 param->name, problem);
        if (param->def && lab_param_check_default(param, error)) {
            lab_error_prefix(error, "%s %s: the default", what, name);
            return error ? error->status : LAB_E_INVALID;
        }
    }
    return LAB_OK;
}

static lab_status check_op(const lab_op *op, size_t i, lab_error *error)
{
    const char *problem = NULL;
    const char *dot = op->name ? strchr(op->name, '.') : NULL;
    if (!dot || !is_name(dot + 1, "_") || strlen(op->name) > (size_t)2 * NAME_LENGTH)
        problem = "its name must be KIND.METHOD, in lower-case letters, digits and '_'";
    else if (lab_op_kind(op->name) == LAB_NONE)
        problem = "its name must begin with image, map, mask or tensor";
    else if (lab_op_kind(op->name) != op->in)
        problem = "the first half of its name is not the kind of its input";
    else if (!is_tensor_type(op->out) && op->out != LAB_RECORDS && op->out != LAB_BYTES)
        problem = "its result must be a tensor, image, labelmap, mask, records or bytes";
    else if (!has_text(op->summary))
        problem = "it has no summary";
    else if (!op->run)
        problem = "it has no run function";
    if (problem)
        return entry_fail(error, "operator", op->name, i, problem);
    return check_params("operator", op->name, op->params, error);
}

static lab_status check_node_type(const lab_node_type *type, size_t i, lab_error *error)
{
    const char *problem = NULL;
    if (!has_text(type->name) || strlen(type->name) > NAME_LENGTH)
        problem = "its name must have 1 to 63 characters";
    else if (!has_text(type->summary))
        problem = "it has no summary";
    else if (type->min_in > type->max_in || type->max_in > LAB_NODE_MAX_IN)
        problem = "min_in must be at most max_in, and max_in at most 16";
    else if (type->n_out < 1 || type->n_out > LAB_NODE_MAX_OUT)
        problem = "n_out must be 1..4";
    else if (!type->infer)
        problem = "it has no infer function";
    return problem ? entry_fail(error, "node type", type->name, i, problem) : LAB_OK;
}

static lab_status check_kernel(const lab_kernel *kernel, size_t i, lab_error *error)
{
    const char *problem = NULL;
    if (!has_text(kernel->name))
        problem = "it has no name";
    else if (!has_text(kernel->op))
        problem = "it names no node type (op)";
    else if (!is_name(kernel->isa, "_"))
        problem = "its isa must be a word in lower case, such as \"reference\"";
    else if (!kernel->match)
        problem = "it has no match function";
    else if (!kernel->run)
        problem = "it has no run function";
    return problem ? entry_fail(error, "kernel", kernel->name, i, problem) : LAB_OK;
}

static lab_status check_loader(const lab_loader *loader, size_t i, lab_error *error)
{
    const char *problem = NULL;
    if (!is_name(loader->name, "_-"))
        problem = "its name must be lower-case letters, digits, '_' and '-'";
    else if (!has_text(loader->summary))
        problem = "it has no summary";
    else if (!has_text(loader->extensions))
        problem = "it names no file extensions";
    else if (!loader->probe)
        problem = "it has no probe function";
    else if (!loader->load)
        problem = "it has no load function";
    return problem ? entry_fail(error, "loader", loader->name, i, problem) : LAB_OK;
}

static lab_status check_reader(const lab_reader *reader, size_t i, lab_error *error)
{
    const char *problem = NULL;
    if (!is_name(reader->name, "_-"))
        problem = "its name must be lower-case letters, digits, '_' and '-'";
    else if (!has_text(reader->summary))
        problem = "it has no summary";
    else if (!has_text(reader->extensions))
        problem = "it names no file extensions";
    else if (!reader->probe)
        problem = "it has no probe function";
    else if (!reader->read)
        problem = "it has no read function";
    return problem ? entry_fail(error, "reader", reader->name, i, problem) : LAB_OK;
}

static bool is_method_result(lab_type type)
{
    return is_tensor_type(type) || type == LAB_NONE || type == LAB_BOOL || type == LAB_INT ||
           type == LAB_FLOAT || type == LAB_STRING || type == LAB_BYTES || type == LAB_RECORDS ||
           type == LAB_RECORD;
}

/* Method `i` of a service, whose earlier ones are in order. */
static lab_status check_method(const lab_service *service, size_t i, lab_error *error)
{
    const lab_op *method = service->methods[i];
    const char *problem = NULL;
    size_t length = strlen(service->name);
    const char *name = method->name && strncmp(method->name, service->name, length) == 0 &&
                               method->name[length] == '.'
                           ? method->name + length + 1
                           : NULL;
    if (!name || !is_name(name, "_"))
        problem = "its name must be SERVICE.METHOD, in lower-case letters, digits and '_'";
    else if (strcmp(name, "close") == 0)
        problem = "every service has close; a method cannot be called so";
    else if (method->in != LAB_NONE)
        problem = "its in must be LAB_NONE: a method works on its object";
    else if (!is_method_result(method->out))
        problem = "its result is of a type that no method can give";
    else if (!has_text(method->summary))
        problem = "it has no summary";
    else if (!method->run)
        problem = "it has no run function";
    for (size_t j = 0; j < i && !problem; j++) {
        if (strcmp(service->methods[j]->name, method->name) == 0)
            problem = "there are two of that name";
    }
    if (problem)
        return entry_fail(error, "method", method->name, i, problem);
    return check_params("method", method->name, method->params, error);
}

static lab_status check_service(const lab_service *service, size_t i, lab_error *error)
{
    const char *problem = NULL;
    char prefix[NAME_LENGTH + 2];
    if (!is_name(service->name, "_"))
        problem = "its name must be lower-case letters, digits and '_', at most 63";
    else if (snprintf(prefix, sizeof prefix, "%s.", service->name) > 0 && lab_op_kind(prefix))
        problem = "its name is that of a kind of value";
    else if (!has_text(service->summary))
        problem = "it has no summary";
    else if (!service->open || !service->close)
        problem = "it must have open and close functions";
    else if (!service->methods || !service->methods[0])
        problem = "it has no methods";
    if (problem)
        return entry_fail(error, "service", service->name, i, problem);
    lab_status status = check_params("service", service->name, service->params, error);
    for (size_t j = 0; !status && service->methods[j]; j++) {
        status = check_method(service, j, error);
        if (status)
            lab_error_prefix(error, "service %s", service->name);
    }
    return status;
}

static lab_status check_entries(const lab_plugin *plugin, lab_error *error)
{
    lab_status status = LAB_OK;
    for (size_t i = 0; !status && plugin->ops && plugin->ops[i]; i++)
        status = check_op(plugin->ops[i], i, error);
    for (size_t i = 0; !status && plugin->node_types && plugin->node_types[i]; i++)
        status = check_node_type(plugin->node_types[i], i, error);
    for (size_t i = 0; !status && plugin->kernels && plugin->kernels[i]; i++)
        status = check_kernel(plugin->kernels[i], i, error);
    for (size_t i = 0; !status && plugin->loaders && plugin->loaders[i]; i++)
        status = check_loader(plugin->loaders[i], i, error);
    for (size_t i = 0; !status && plugin->readers && plugin->readers[i]; i++)
        status = check_reader(plugin->readers[i], i, error);
    for (size_t i = 0; !status && plugin->services && plugin->services[i]; i++)
        status = check_service(plugin->services[i], i, error);
    return status;
}

lab_status lab_check_plugin(const lab_plugin *plugin, lab_error *error)
{
    if (!is_name(plugin->name, "_-"))
        return lab_error_set(error, LAB_E_INVALID,
                             "the plugin's name must be lower-case letters, digits, '_' and '-', "
                             "at most 63, got \"%.80s\"",
                             plugin->name ? plugin->name : "");
    const char *missing = !has_text(plugin->version)   ? "version"
                          : !has_text(plugin->summary) ? "summary"
                          : !has_text(plugin->licence) ? "licence"
                                                       : NULL;
    if (missing)
        return lab_error_set(error, LAB_E_INVALID, "plugin %s: it has no %s", plugin->name,
                             missing);
    lab_status status = check_entries(plugin, error);
    if (status)
        lab_error_prefix(error, "plugin %s", plugin->name);
    return status;
}
