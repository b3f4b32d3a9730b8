/* The embedding header alone, before anything else has been included. */
#include "lab.h"

const char *embedding_header_stands_alone(void);

const char *embedding_header_stands_alone(void)
{
    return LAB_VERSION;
}
