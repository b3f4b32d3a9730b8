/* Memory that is given back all at once: graphs, prepared kernels, operator calls. */
#ifndef LAB_BASE_ARENA_H
#define LAB_BASE_ARENA_H

#include "base/context.h"

typedef struct lab_arena_block lab_arena_block;

typedef struct lab_arena {
    lab_context *ctx;
    lab_arena_block *blocks;
    size_t total; /* bytes handed out */
} lab_arena;

void lab_arena_init(lab_arena *arena, lab_context *ctx);
/* Zeroed, 64-byte aligned, with LAB_TAIL readable bytes after it; NULL when there is no memory. */
void *lab_arena_alloc(lab_arena *arena, size_t size);
/* As lab_arena_alloc for count * item bytes; NULL also when the product overflows. */
void *lab_arena_array(lab_arena *arena, size_t count, size_t item);
char *lab_arena_strdup(lab_arena *arena, const char *text);
/* Moves everything from `from`, of the same context, which is empty afterwards. */
void lab_arena_take(lab_arena *arena, lab_arena *from);
/* Frees everything; the arena can be used again. */
void lab_arena_reset(lab_arena *arena);

#endif
