/* What this CPU and this operating system can run. */
#ifndef LAB_BASE_CPU_H
#define LAB_BASE_CPU_H

#include <stdint.h>

/* LAB_CPU_… bits: CPUID, and XGETBV for the registers the system saves. */
uint64_t lab_cpu_features(void);

/* The model's name as the CPU gives it ("AMD EPYC …"), or the architecture's. Static storage is
 * not used: at most `size` bytes are written to `name`. */
void lab_cpu_name(char *name, uint32_t size);

#endif
