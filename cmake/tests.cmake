# SPDX-License-Identifier: Apache-2.0
# weft_test(LABEL FILE [LINKS ...] [DEFS ...]): one cmocka program, registered as LABEL/NAME. Exit code 77 is a skip.

function(weft_test label file)
  cmake_parse_arguments(T "" "" "LINKS;DEFS;SOURCES;INCLUDES" ${ARGN})
  get_filename_component(name ${file} NAME_WE)
  set(target ${label}_${name})
  add_executable(${target} ${file} ${T_SOURCES})
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/include ${T_INCLUDES})
  target_compile_definitions(${target} PRIVATE ${T_DEFS}
    WEFT_FIXTURES="${PROJECT_SOURCE_DIR}/tests/fixtures" WEFT_BUILD_DIR="${CMAKE_BINARY_DIR}"
    WEFT_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  target_link_libraries(${target} PRIVATE weft_flags ${T_LINKS} weft_core cmocka m)
  set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  add_test(NAME ${label}/${name} COMMAND ${target})
  set_tests_properties(${label}/${name} PROPERTIES LABELS ${label} SKIP_RETURN_CODE 77 TIMEOUT 600)
endfunction()
