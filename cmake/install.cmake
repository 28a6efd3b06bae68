# SPDX-License-Identifier: Apache-2.0
# What `cmake --install build --prefix DIR` puts where. The program and the library are the tree's own objects linked with
# the installed directories (core/CMakeLists.txt); plugins install themselves (cmake/plugin.cmake).

add_executable(weft_program $<TARGET_OBJECTS:weft> $<TARGET_OBJECTS:weft_cli>)
target_link_libraries(weft_program PRIVATE weft_flags weft_installed ZLIB::ZLIB
  $<$<BOOL:${LIBEDIT_FOUND}>:PkgConfig::LIBEDIT>)
set_target_properties(weft_program PROPERTIES OUTPUT_NAME weft LINKER_LANGUAGE C
  RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/installed)

file(RELATIVE_PATH WEFT_PC_TO_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
foreach(pc weft weft-plugin)
  configure_file(${CMAKE_CURRENT_LIST_DIR}/${pc}.pc.in ${CMAKE_BINARY_DIR}/${pc}.pc @ONLY)
endforeach()

install(TARGETS weft_program RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT program)
install(TARGETS weft_installed ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT dev)
install(TARGETS weft_shared LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT lib NAMELINK_SKIP)
install(TARGETS weft_shared LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT dev NAMELINK_ONLY)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/weft DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT dev
  FILES_MATCHING PATTERN *.h)
install(FILES ${CMAKE_BINARY_DIR}/weft.pc ${CMAKE_BINARY_DIR}/weft-plugin.pc
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT dev)

# find_package(weft): weft::weft is the shared library, weft::static the other.
include(CMakePackageConfigHelpers)
set(WEFT_CONFIG_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/weft)
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/weftConfig.cmake.in ${CMAKE_BINARY_DIR}/weftConfig.cmake
  INSTALL_DESTINATION ${WEFT_CONFIG_DIR} PATH_VARS CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_LIBDIR)
# While the major version is 0 a minor one may change anything.
write_basic_package_version_file(${CMAKE_BINARY_DIR}/weftConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/weftConfig.cmake ${CMAKE_BINARY_DIR}/weftConfigVersion.cmake
  DESTINATION ${WEFT_CONFIG_DIR} COMPONENT dev)

# cmake --build build --target uninstall: what the last install put somewhere.
add_custom_target(uninstall
  COMMAND ${CMAKE_COMMAND} -DBUILD=${CMAKE_BINARY_DIR} -P ${CMAKE_CURRENT_LIST_DIR}/uninstall.cmake)

install(DIRECTORY ${PROJECT_SOURCE_DIR}/models/demo/ DESTINATION ${CMAKE_INSTALL_DATADIR}/weft/demo COMPONENT demo)
install(FILES README.md CHANGELOG.md LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT program)
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/docs COMPONENT program)
install(DIRECTORY examples/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples USE_SOURCE_PERMISSIONS COMPONENT dev
  PATTERN CMakeLists.txt EXCLUDE PATTERN *.so EXCLUDE)

if(WEFT_TESTS AND BUILD_TESTING)
  weft_add_test(install/moved_prefix NEEDS weft-png COMMAND ${CMAKE_COMMAND}
    -DBUILD=${CMAKE_BINARY_DIR} -DLIBDIR=${CMAKE_INSTALL_LIBDIR} -DBINDIR=${CMAKE_INSTALL_BINDIR}
    -DPICTURE=${PROJECT_SOURCE_DIR}/tests/fixtures/images/rgb8.png
    -P ${CMAKE_CURRENT_LIST_DIR}/install_test.cmake)
  set_tests_properties(install/moved_prefix PROPERTIES LABELS cli TIMEOUT 600 RESOURCE_LOCK install_manifest)
endif()
