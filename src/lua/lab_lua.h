/*
 * The Lua binding: module "lab.core", on which the Lua library (scripts/lab/) stands. One file a
 * type; no pixel loop here. Operators have no code of their own: a method that a value's own table
 * lacks is looked up in the registry by kind and name, and its arguments are checked against the
 * operator's descriptor.
 *
 * Misuse (wrong type, unknown option, closed object) raises; the outside world (file, model,
 * catalog, interruption) gives nil, message, code, where code is lab_status_name(): "IO",
 * "FORMAT", …. Classes ids are 0-based data; positions in Lua sequences are 1-based.
 *
 *   core.version                              "0.1.0"
 *   core.decode(bytes [, {orient=true}])      image | nil, message, code
 *   core.probe(bytes)                         {width, height, channels, orientation, format,
 *                                              sixteen_bit} | nil, …
 *   core.decode_map(bytes [, labels])         labelmap, palette ({[0]=0xRRGGBB, …} or nil) | nil, …
 *   core.image(width, height, channels [, bytes])   a picture; zeros without bytes
 *   core.labelmap(width, height [, bytes [, labels]])  u8 ids (u16 if bytes has 2 a pixel)
 *   core.mask(width, height [, bytes])
 *   core.tensor{dtype=, shape={…} [, data=bytes]}
 *   core.labels{name=, names={…}, colors={0xRRGGBB, …}}   names[1] is class 0
 *   core.load_model(path [, name])            model | nil, …
 *   core.load_model_bytes(bytes, name)        model | nil, …
 *   core.catalog(path, "read"|"write"|"create")   catalog | nil, …
 *   core.ops()                                list of descriptors: {name, summary, doc, input,
 *                                              output, method, plugin, params={{name, type, doc,
 *                                              default, min, max, choices={…}, required, main}}}
 *   core.plugins()                            list {name, version, summary, licence, origin,
 *                                              build, ops=n, node_types=n, kernels=n, loaders=n,
 *                                              readers=n, services=n},
 *                                              failures {{path, message}}
 *   core.kernels()                            list {name, op, isa, plugin, usable}
 *   core.loaders()                            list {name, summary, extensions}
 *   core.services()                           list {name, summary, doc, plugin, params (as of ops),
 *                                              methods={descriptors as of ops}}
 *   core.service(name)                        a function that opens such a thing: core.service
 *                                              "http" {port=8080} gives a service | nil, …; nil, …
 *                                              when no plugin has brought one of that name
 *   core.load_plugin(path)                    true | nil, …
 *   core.nearest(word, {candidates})          the nearest candidate or nil
 *   core.sha256(bytes)                        64 hexadecimal digits
 *   core.read_file(path [, limit])            bytes | nil, …      ("-": standard input)
 *   core.write_file(path, bytes [, {durable=false}])   true | nil, …   (all or nothing)
 *   core.make_dirs(path)                      true | nil, …
 *   core.read(bytes [, filename])             the value a plugin's reader makes of a file | nil, …
 *   core.readers()                            list {name, summary, extensions}
 *   core.read_picture(path [, {limit=, sha256=false, bytes=}])   job: image (upright), {format,
 *                                              bytes [, sha256]} | nil, … With `bytes`, the file's
 *                                              are these, and the path is but a name
 *   core.save(value, path [, options])        job: true | nil, … (options of the kind's encode; the
 *                                              file's folders are made)
 *   core.encode(value [, options])            job: the bytes that value:encode gives | nil, …
 *   core.job_threads()                        number of threads that do jobs beside the script
 *   core.wait_any{jobs}                       returns when one of them is done (or not started)
 *   core.threads()                            number of threads of the pool
 *   core.cpu()                                name, {features…}
 *   core.peak()                               {int8=, f32=, isa=}: multiply-adds a second, measured
 *   core.memory()                             bytes that tensors and models hold now
 *   core.stopped(), core.clear_stop()         the stop flag (set by Ctrl-C)
 *   core.running_in([thread])                 the coroutine about to run: Ctrl-C arrives there
 *   core.op_name(f)                           "image.resize" for the function img.resize; else nil
 *   core.methods.{tensor,image,labelmap,mask} tables of methods: the library adds its own here
 *
 * Values (userdata "lab.Tensor", "lab.Image", "lab.LabelMap", "lab.Mask"):
 *   v:kind() v:dtype() v:shape() (a table) v:bytes() v:labels() v:close()  #v = elements
 *   v:width() v:height() v:channels()         pictures, maps, masks
 *   v:at(x, y)                                0-based pixel: id, alpha or channels…; nil outside
 *   v:get(i), v:get(i, j, …)                  i 1-based flat position, or a position in each
 *                                             dimension: the element as stored; nil outside
 *   v:set(i, x), v:set(i, j, …, x)            stores an element. Values that share the data (as,
 *                                             reshape, a size that stays) do not see it: whoever
 *                                             writes first gets a copy of its own
 *   t[i], t[i] = x                            tensors: as get and set with a flat position
 *   t + u, t - u, t * u, t / u, -t            tensors and numbers: tensor.add, …; a failure raises
 *   a & b, a | b, a - b, ~a                   masks: mask.intersect, unite, subtract, invert
 *   v:quant()                                 scale, zero_point (nil when not quantised)
 *   v == w                                    same kind, dtype, shape and bytes
 *   v:as(kind)                                the same data as another kind, where that fits
 *   map:with_labels(labels)                   the same data with another label set (nil: none)
 *   v:NAME{…}                                 operator KIND.NAME: result | nil, message, code;
 *                                             also v:NAME(main), v:NAME(main, {…}), and
 *                                             v:NAME{main1, main2, …, name=value}
 * A name that is neither a method nor an operator raises, with the nearest there is.
 * Label sets (userdata "lab.Labels"):
 *   l:name() #l (classes) l:label(id) l:color(id) (r, g, b) l:close()
 *   l:find(name [, from])                     the lowest id >= from of that name | nil, message, …
 * Models (userdata "lab.Model"):
 *   m:name() m:format() m:close()
 *   m:input(i), m:output(i)                   {dtype, shape, scale, zero_point}
 *   m:head()                                  lab_head as a table {channels, logits_w, logits_h,
 *                                             out_w, out_h, align_corners, half_pixel_centers,
 *                                             resized, argmax, activation="none"|"softmax"|
 *                                             "logistic"}, or nil
 *   m:run(tensor [, {want="outputs"|"logits"}])   list of tensors (copies) | nil, message, code;
 *                                             a list of tensors for networks with several inputs
 *   m:start(tensor [, {want=}])               a job, started, that gives what run gives; several
 *                                             may run at once | nil, …
 *   m:nodes()                                 list {index, op, label, name, kernel, shape, dtype,
 *                                             macs}
 *   m:operators()                             list {index, op, label, name, shape, dtype, …} of
 *                                             what the file has
 *   m:removed()                               list {index, op, label, name, reason[, into]} of the
 *                                             nodes that rewrites took out
 *   m:stats()                                 lab_model_stats as a table, and workspace_bytes: what
 *                                             is kept for runs beside each other
 *   m:profile(tensor [, runs=3])              list {index, op, kernel, ms}, of each node its
 *                                             fastest run | nil, …
 *   m:sha256()                                of the file's bytes
 * Jobs (userdata "lab.Job"), not started but for those of m:start:
 *   j:start() -> j                            hands it to the threads for jobs
 *   j:done()                                  whether it was started and is done
 *   j:wait()                                  what it gives, once; a job not started is done now
 *   j:ms()                                    milliseconds the work took, after wait
 *   j:close()                                 what has not begun will not be done
 * Services (userdata "lab.Service"), closed by <close> and by the collector as well:
 *   s:NAME{…}                                 its methods, called as operators are: a row is a
 *                                             table (none: nil), nothing is true
 *   s:close()
 * Catalogs (userdata "lab.Catalog"):
 *   db:path() db:version() db:close() db:time_limit(seconds) db:value_limit(bytes) db:changes()
 *   db:last_id()
 *   db:prepare(sql) -> statement, rest of the text | nil, message, code; false instead of a
 *                                             statement for nothing but white space and comments
 *   s:bind(…) (by position) or s:bind{name=value} -> s; a value is nil, a boolean (0, 1), a number,
 *                                             a string (text) or {blob=bytes}
 *   s:step() -> true, false at the end | nil, …      s:parameters() (how many)
 *   s:row() (list; NULL is nil, with n) s:columns() (names) s:reset() s:close()
 *   db:add_model{sha256=, name=, path=, format=, licence=, labels=, input_width=, input_height=}
 *   db:begin_run{command=, pipeline=, version=, kernels=, threads=}   id | nil, …
 *   db:finish_run(id, state)
 *   db:begin_result{run=, model=, path=}      id
 *   db:finish_result(id, {image={sha256=, path=, bytes=, width=, height=, format=}, map=,
 *                         legend={rows of map:legend{}}, timings=json})
 *   db:fail_result(id, reason)
 *   db:map(result_id)                         labelmap | nil, …
 */
#ifndef LAB_LUA_LAB_LUA_H
#define LAB_LUA_LAB_LUA_H

#include <lua.h>

#include "lab.h"

/*
 * Opens the standard libraries' companion "lab.core" for `host` (which must outlive the state) and
 * puts it in package.loaded. Raises a Lua error when memory runs out: call it protected.
 */
void lab_lua_open(lua_State *L, lab_host *host);

/*
 * Where core.running_in keeps the coroutine that the main thread is in; NULL there: none. For a
 * signal handler, which must set its hook there: a hook belongs to one Lua thread. Valid as long as
 * the state.
 */
lua_State *volatile *lab_lua_running(lua_State *L);

#endif
