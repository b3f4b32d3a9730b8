/*
 * What stands behind a loader's lab_builder: a graph that grows, held to its rules with each call.
 * Private to the model room.
 */
#ifndef LAB_MODEL_BUILDER_H
#define LAB_MODEL_BUILDER_H

#include "base/error.h"
#include "model/graph.h"

struct lab_builder {
    const lab_host_api *api; /* first: LAB_API_OF */
    lab_registry *registry;
    lab_graph *graph;
    lab_error error; /* of the first failure; once set every call fails with it */
};

/* Memory of the graph's arena within LAB_GRAPH_MAX_BYTES; NULL: error set. */
void *lab_builder_take(lab_builder *builder, size_t size);

/* After the loader: the checks that need the whole graph. */
lab_status lab_builder_finish(lab_builder *builder);

#endif
