# SPDX-License-Identifier: Apache-2.0
# weft_plugin(NAME SOURCES ... [LINKS imported targets ...]): a plugin module in build/plugins/NAME.so.
# It sees include/, and its own folder, ../shared, ../ops and plugins/common by paths relative to the file that includes
# (tests/headers/check_rooms.py); what it needs of plugins/common/ becomes a part of it, and it links nothing else of ours.

function(weft_plugin name)
  cmake_parse_arguments(P "" "" "SOURCES;LINKS" ${ARGN})
  add_library(${name} MODULE ${P_SOURCES})
  weft_isa_flags(${P_SOURCES})
  set_target_properties(${name} PROPERTIES PREFIX "" LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/plugins)
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/include)
  target_link_libraries(${name} PRIVATE weft_flags plugins_common ${P_LINKS} m)
  if(NOT WEFT_SANITIZE)
    target_link_options(${name} PRIVATE -Wl,-z,defs)
  endif()
  install(TARGETS ${name} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/weft/plugins)
endfunction()
