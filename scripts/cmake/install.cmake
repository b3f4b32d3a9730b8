# What `cmake --install BUILD --prefix P` puts below P. Programs and modules find the rest relative
# to themselves (src/host/places.c), so that P may be moved as a whole.
include(GNUInstallDirs)

install(TARGETS lualab RUNTIME DESTINATION bin)
install(TARGETS lualab_module LIBRARY DESTINATION ${LAB_LUA_MODULE_DIR})
install(DIRECTORY ${CMAKE_SOURCE_DIR}/scripts ${CMAKE_SOURCE_DIR}/db DESTINATION share/lualab
  PATTERN cmake EXCLUDE PATTERN "*.rockspec" EXCLUDE PATTERN "*.sh" EXCLUDE)
install(FILES ${CMAKE_SOURCE_DIR}/weights/models.lua DESTINATION share/lualab/weights)
# The folder of plugins is also where they are built: only the plugins themselves go along.
install(CODE "
  file(GLOB plugins \"${LAB_PLUGIN_DIR}/lualab_*\")
  file(INSTALL \${plugins} DESTINATION \"\${CMAKE_INSTALL_PREFIX}/lib/lualab/plugins\")")

# Stock Lua looks for the library where its own modules are: the same files, by a link.
string(REGEX REPLACE "[^/]+" ".." up "${LAB_LUA_SCRIPT_DIR}")
install(CODE "
  set(folder \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${LAB_LUA_SCRIPT_DIR}\")
  file(MAKE_DIRECTORY \"\${folder}\")
  file(CREATE_LINK ${up}/share/lualab/scripts/lab \"\${folder}/lab\" SYMBOLIC)")

# liblualab for programs that embed it (lab.h): the objects of all rooms in one archive.
get_property(static_plugins GLOBAL PROPERTY LAB_STATIC_PLUGIN_NAMES)
set(objects)
foreach(target lualab_core lab_base lab_tensor lab_image lab_plugin lab_model lab_formats lab_ops
               lab_catalog)
  list(APPEND objects $<TARGET_OBJECTS:${target}>)
endforeach()
foreach(name ${static_plugins})
  list(APPEND objects $<TARGET_OBJECTS:lualab_${name}>)
endforeach()
add_library(lualab_archive STATIC ${objects})
set_target_properties(lualab_archive PROPERTIES OUTPUT_NAME lualab LINKER_LANGUAGE C)
install(TARGETS lualab_archive ARCHIVE DESTINATION lib)
install(FILES ${CMAKE_SOURCE_DIR}/src/lab_plugin.h DESTINATION include)
install(FILES ${CMAKE_SOURCE_DIR}/src/lab.h DESTINATION include/lualab)
foreach(header base/arena base/buffer base/context base/error base/file base/pool catalog/catalog
               image/image model/graph model/model plugin/call plugin/loader plugin/registry
               plugin/service tensor/labels tensor/tensor)
  get_filename_component(folder ${header} DIRECTORY)
  install(FILES ${CMAKE_SOURCE_DIR}/src/${header}.h DESTINATION include/lualab/${folder})
endforeach()
list(TRANSFORM CMAKE_DL_LIBS PREPEND -l OUTPUT_VARIABLE LAB_DL_LIBS)
configure_file(${CMAKE_SOURCE_DIR}/scripts/cmake/lualab.pc.in ${CMAKE_BINARY_DIR}/lualab.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/lualab.pc DESTINATION lib/pkgconfig)

# The manual page and the completion of shells come from the program itself, which can only run
# where it was built for.
if(NOT CMAKE_CROSSCOMPILING)
  foreach(page "man;share/man/man1/lualab.1" "bash;share/bash-completion/completions/lualab"
               "zsh;share/zsh/site-functions/_lualab"
               "fish;share/fish/vendor_completions.d/lualab.fish")
    list(GET page 0 kind)
    list(GET page 1 file)
    get_filename_component(folder ${file} DIRECTORY)
    get_filename_component(name ${file} NAME)
    install(CODE "
      file(MAKE_DIRECTORY \"${CMAKE_BINARY_DIR}/pages/${kind}\")
      execute_process(COMMAND \"$<TARGET_FILE:lualab>\" completion ${kind}
        OUTPUT_FILE \"${CMAKE_BINARY_DIR}/pages/${kind}/${name}\" RESULT_VARIABLE code)
      if(code)
        message(FATAL_ERROR \"lualab completion ${kind}: exit code \${code}\")
      endif()
      file(INSTALL \"${CMAKE_BINARY_DIR}/pages/${kind}/${name}\"
        DESTINATION \"\${CMAKE_INSTALL_PREFIX}/${folder}\")")
  endforeach()
endif()
