/* Which loader or reader a file is for: each is asked, and the surest wins; the first of equals. */
#include "plugin/registry.h"

const lab_loader *lab_registry_probe(const lab_registry *registry, const uint8_t *bytes,
                                     size_t size, const char *filename)
{
    const lab_loader *loader, *best = NULL;
    int best_score = 0;
    for (size_t i = 0; (loader = lab_registry_loader_at(registry, i)); i++) {
        int score = loader->probe(bytes, size, filename);
        if (score > best_score) {
            best_score = score;
            best = loader;
        }
    }
    return best;
}

const lab_reader *lab_registry_probe_reader(const lab_registry *registry, const uint8_t *bytes,
                                            size_t size, const char *filename)
{
    const lab_reader *reader, *best = NULL;
    int best_score = 0;
    for (size_t i = 0; (reader = lab_registry_reader_at(registry, i)); i++) {
        int score = reader->probe(bytes, size, filename);
        if (score > best_score) {
            best_score = score;
            best = reader;
        }
    }
    return best;
}
