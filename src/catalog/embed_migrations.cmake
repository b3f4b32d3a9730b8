# Writes OUT, a C file with the text of every FOLDER/NNNN_name.sql in order. The number is the
# schema version a migration leads to, so the numbers must be 1, 2, 3, ... without a gap.
file(GLOB paths ${FOLDER}/[0-9]*.sql)
list(SORT paths)

set(arrays "")
set(entries "")
set(version 0)
foreach(path IN LISTS paths)
  math(EXPR version "${version} + 1")
  get_filename_component(name ${path} NAME)
  if(NOT name MATCHES "^([0-9][0-9][0-9][0-9])_[a-z0-9_]+\\.sql$")
    message(FATAL_ERROR "${path}: a migration is called NNNN_name.sql")
  endif()
  string(REGEX REPLACE "^0+" "" number ${CMAKE_MATCH_1})
  if(NOT number EQUAL version)
    message(FATAL_ERROR "${path}: expected the migration to version ${version} here")
  endif()
  file(READ ${path} hex HEX)
  string(REGEX REPLACE "(................................)" "\\1\n" hex "${hex}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," hex "${hex}")
  string(APPEND arrays "static const unsigned char sql_${version}[] = {\n${hex}\n0};\n")
  string(APPEND entries "    {${version}, \"${name}\", (const char *)sql_${version}},\n")
endforeach()
if(version EQUAL 0)
  message(FATAL_ERROR "${FOLDER} has no migrations")
endif()

file(WRITE ${OUT} "/* Generated from the migrations in db/. */
#include \"catalog/catalog_internal.h\"

${arrays}
const lab_migration lab_migrations[] = {
${entries}};
const int lab_migrations_count = ${version};
")
