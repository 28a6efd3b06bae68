# SPDX-License-Identifier: Apache-2.0
# weft_add_test(NAME [NEEDS plugins ...] COMMAND ...): add_test, where exit code 77 is a skip. A test that needs a plugin
# that is not built here is skipped and says so.
function(weft_add_test name)
  cmake_parse_arguments(T "" "" "NEEDS;COMMAND" ${ARGN})
  foreach(plugin IN LISTS T_NEEDS)
    if(NOT TARGET ${plugin})
      set(T_COMMAND sh -c "echo 'skipped: ${plugin} is not built here' && exit 77")
    endif()
  endforeach()
  add_test(NAME ${name} COMMAND ${T_COMMAND})
  set_tests_properties(${name} PROPERTIES SKIP_RETURN_CODE 77)
endfunction()

# weft_test(LABEL FILE [LINKS ...] [DEFS ...] [NEEDS plugins ...]): one cmocka program, registered as LABEL/NAME. It is built
# after the plugins that it needs, and not at all without them.

function(weft_test label file)
  cmake_parse_arguments(T "" "" "LINKS;DEFS;SOURCES;INCLUDES;NEEDS" ${ARGN})
  get_filename_component(name ${file} NAME_WE)
  set(target ${label}_${name})
  weft_add_test(${label}/${name} NEEDS ${T_NEEDS} COMMAND ${target})
  set_tests_properties(${label}/${name} PROPERTIES LABELS ${label} TIMEOUT 600)
  foreach(plugin IN LISTS T_NEEDS)
    if(NOT TARGET ${plugin})
      return()
    endif()
  endforeach()
  add_executable(${target} ${file} ${T_SOURCES})
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/include ${T_INCLUDES})
  target_compile_definitions(${target} PRIVATE ${T_DEFS}
    WEFT_FIXTURES="${PROJECT_SOURCE_DIR}/tests/fixtures" WEFT_BUILD_DIR="${CMAKE_BINARY_DIR}"
    WEFT_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  target_link_libraries(${target} PRIVATE weft_flags ${T_LINKS} weft_core cmocka m)
  set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  if(T_NEEDS)
    add_dependencies(${target} ${T_NEEDS})
  endif()
endfunction()
