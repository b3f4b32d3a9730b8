/* Whether what a plugin describes is complete and well formed, before any of it is registered. */
#ifndef LAB_PLUGIN_CHECK_H
#define LAB_PLUGIN_CHECK_H

#include "base/error.h"

/*
 * Checks ABI version and size, then copies as much of the descriptor as both sides know to `out`:
 * members that an older lab_plugin.h did not know are zero there.
 */
lab_status lab_check_abi(const lab_plugin *plugin, lab_plugin *out, lab_error *error);

/* Whether an accepted descriptor of a newer minor has something that was not copied. */
bool lab_check_offers_more(const lab_plugin *plugin);

/* Checks everything an accepted descriptor lists. The sentence starts with "plugin NAME: ". */
lab_status lab_check_plugin(const lab_plugin *plugin, lab_error *error);

#endif
