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
  # One that links a library is a package of its own, so that nobody needs a library that he does not use.
  set(component plugins)
  if(P_LINKS)
    set(component ${name})
    set_property(GLOBAL APPEND PROPERTY WEFT_PLUGIN_PACKAGES ${name})
  endif()
  install(TARGETS ${name} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/weft/plugins COMPONENT ${component})
endfunction()

# weft_plugin_library(OPTION PLUGIN LOSS NAME:PKG-CONFIG-SPEC...): whether PLUGIN can be built here, as OPTION_FOUND, with
# each library as PkgConfig::NAME. Where the user turned OPTION off, or a library is missing or of another version, PLUGIN
# is left out: one line says why and what is lost (LOSS), and nothing else changes.
macro(weft_plugin_library option plugin loss)
  option(${option} "Build ${plugin}" ON)
  set(${option}_FOUND ${${option}})
  set(weft_why "${option} is off")
  foreach(library ${ARGN})
    string(REGEX MATCH "^([A-Z0-9]+):(.*)$" weft_ignored "${library}")
    set(weft_name ${CMAKE_MATCH_1})
    string(REPLACE "," ";" weft_specs "${CMAKE_MATCH_2}")
    if(${option}_FOUND)
      pkg_check_modules(${weft_name} QUIET IMPORTED_TARGET ${weft_specs})
      if(NOT ${weft_name}_FOUND)
        set(${option}_FOUND OFF)
        string(REPLACE ";" ", " weft_specs "${weft_specs}")
        set(weft_why "not found: ${weft_specs}")
      endif()
    endif()
  endforeach()
  if(NOT ${option}_FOUND)
    message(STATUS "${plugin} is left out (${weft_why}): ${loss}")
  endif()
endmacro()
