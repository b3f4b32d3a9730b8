set(model_support ${CMAKE_SOURCE_DIR}/tests/support/tflite_writer.c
  ${CMAKE_SOURCE_DIR}/tests/support/small_models.c ${CMAKE_SOURCE_DIR}/tests/support/model_host.c)
foreach(name nodes nodes_elements)
  lab_test(${name} unit SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/test_${name}.c
    ${CMAKE_CURRENT_SOURCE_DIR}/node_case.c ${model_support} LINK lualab_core)
  add_dependencies(test_${name} lualab_reference)
endforeach()
foreach(name rewrite rewrite_window rewrite_head rewrite_concat)
  lab_test(${name} unit SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/test_${name}.c
    ${CMAKE_CURRENT_SOURCE_DIR}/rewrite_case.c ${model_support} LINK lualab_core)
  add_dependencies(test_${name} lualab_reference)
endforeach()
foreach(name nodes_own plan model model_apart model_kernels model_memory published_models)
  lab_test(${name} unit SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/test_${name}.c ${model_support}
    LINK lualab_core)
  add_dependencies(test_${name} lualab_reference)
endforeach()
