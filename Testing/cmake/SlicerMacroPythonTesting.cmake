# slicer_add_python_unittest(SCRIPT file.py [SLICER_ARGS arg...] [TESTNAME_PREFIX prefix])
#
# Slicer puts the folder of the call on sys.path and imports the script by its bare name, so SCRIPT has no folder.

macro(slicer_add_python_unittest)
  cmake_parse_arguments(UNITTEST "" "SCRIPT;TESTNAME_PREFIX" "SLICER_ARGS" ${ARGN})
  if(UNITTEST_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "slicer_add_python_unittest: unknown keyword in \"${UNITTEST_UNPARSED_ARGUMENTS}\"")
  endif()
  if(NOT UNITTEST_SCRIPT OR UNITTEST_SCRIPT MATCHES "/")
    message(FATAL_ERROR "slicer_add_python_unittest: SCRIPT must be a bare file name, not '${UNITTEST_SCRIPT}'")
  endif()
  if(NOT EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${UNITTEST_SCRIPT})
    message(FATAL_ERROR "slicer_add_python_unittest: nonexistent file '${UNITTEST_SCRIPT}'")
  endif()
  get_filename_component(_test ${UNITTEST_SCRIPT} NAME_WE)
  add_test(
    NAME py_${UNITTEST_TESTNAME_PREFIX}${_test}
    COMMAND ${Slicer_LAUNCHER_EXECUTABLE} --no-splash --testing ${UNITTEST_SLICER_ARGS} --python-code
      "import slicer.testing; slicer.testing.runUnitTest(['${CMAKE_CURRENT_BINARY_DIR}', '${CMAKE_CURRENT_SOURCE_DIR}'], '${_test}')"
    )
endmacro()
