# slicerMacroBuildScriptedModule(NAME name SCRIPTS file... [RESOURCES file...] [WITH_GENERIC_TESTS] [WITH_SUBDIR] [VERBOSE])
#
# Copies the files, on build, to the scripted modules' folder under the same relative path, and installs that folder.

macro(slicerMacroBuildScriptedModule)
  cmake_parse_arguments(MODULE "WITH_GENERIC_TESTS;WITH_SUBDIR;VERBOSE" "NAME" "SCRIPTS;RESOURCES" ${ARGN})
  if(MODULE_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "slicerMacroBuildScriptedModule: unknown keyword in \"${MODULE_UNPARSED_ARGUMENTS}\"")
  endif()
  foreach(required NAME SCRIPTS)
    if(NOT MODULE_${required})
      message(FATAL_ERROR "slicerMacroBuildScriptedModule: ${required} is mandatory")
    endif()
  endforeach()

  set(_destination ${CMAKE_BINARY_DIR}/${Slicer_QTSCRIPTEDMODULES_LIB_DIR})
  if(MODULE_WITH_SUBDIR)
    get_filename_component(_subdir ${CMAKE_CURRENT_SOURCE_DIR} NAME)
    string(APPEND _destination /${_subdir})
  endif()

  set(_copying "")
  foreach(_file IN LISTS MODULE_SCRIPTS MODULE_RESOURCES)
    _slicer_check_module_file("${_file}")
    set(_copy ${_destination}/${_file})
    get_property(_taken GLOBAL PROPERTY _slicer_standin_copies)
    if(_copy IN_LIST _taken)
      message(FATAL_ERROR "slicerMacroBuildScriptedModule: '${_file}' is packaged twice")
    endif()
    set_property(GLOBAL APPEND PROPERTY _slicer_standin_copies ${_copy})
    string(APPEND _copying "configure_file([[${CMAKE_CURRENT_SOURCE_DIR}/${_file}]] [[${_copy}]] COPYONLY)\n")
  endforeach()
  foreach(_script IN LISTS MODULE_SCRIPTS)
    if(NOT _script MATCHES "\\.py$")
      message(FATAL_ERROR "slicerMacroBuildScriptedModule: SCRIPTS names '${_script}', which is no Python file")
    endif()
  endforeach()
  file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/Copy${MODULE_NAME}.cmake "${_copying}")
  add_custom_target(Copy${MODULE_NAME}PythonFiles ALL
    COMMAND ${CMAKE_COMMAND} -P ${CMAKE_CURRENT_BINARY_DIR}/Copy${MODULE_NAME}.cmake
    )

  install(DIRECTORY ${_destination}/ DESTINATION ${Slicer_INSTALL_QTSCRIPTEDMODULES_LIB_DIR})

  if(BUILD_TESTING AND MODULE_WITH_GENERIC_TESTS)
    if(NOT EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${MODULE_NAME}.py)
      message(FATAL_ERROR "WITH_GENERIC_TESTS needs ${MODULE_NAME}.py in the folder of the call")
    endif()
    add_test(
      NAME py_nomainwindow_${MODULE_NAME}ModuleGenericTest
      COMMAND ${Slicer_LAUNCHER_EXECUTABLE} --no-main-window --additional-module-path ${_destination}
      )
  endif()
endmacro()

# Slicer lets through a path that leaves the folder, or an absolute one, and copies the file to where nobody looks for it.
function(_slicer_check_module_file file)
  if(IS_ABSOLUTE "${file}" OR "${file}" MATCHES "(^|/)\\.\\.(/|$)")
    message(FATAL_ERROR "slicerMacroBuildScriptedModule: '${file}' leaves the folder of the call")
  endif()
  if(NOT EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/${file}")
    message(FATAL_ERROR "slicerMacroBuildScriptedModule: nonexistent file '${file}'")
  endif()
  if(IS_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}/${file}")
    message(FATAL_ERROR "slicerMacroBuildScriptedModule: '${file}' is a folder; name its files")
  endif()
endfunction()
