# Tests of plugins: test_<plugin>.c and test_<plugin>_<part>.c have the plugin's own sources in them, its descriptor
# under the name <plugin>_plugin, and the harness. Nothing is loaded and nothing is sent.
set(plugin_tests ${CMAKE_CURRENT_SOURCE_DIR}/plugins)

file(GLOB harness_sources CONFIGURE_DEPENDS ${plugin_tests}/harness*.c)
add_library(sb_harness STATIC ${harness_sources})
target_include_directories(sb_harness PUBLIC ${CMAKE_SOURCE_DIR}/core ${CMAKE_SOURCE_DIR}/include
                           ${CMAKE_SOURCE_DIR}/tests)
target_compile_definitions(sb_harness PUBLIC TEST_SOURCE_DIR="${CMAKE_SOURCE_DIR}" TEST_BINARY_DIR="${CMAKE_BINARY_DIR}")
target_link_libraries(sb_harness PUBLIC sb_script PkgConfig::CMOCKA)

# The sources of one plugin as objects, once for all its tests, with what its own target compiles and links with.
function(sb_plugin_objects plugin)
    file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/plugins/${plugin}/*.c)
    add_library(plugin_objects_${plugin} OBJECT ${sources})
    target_include_directories(plugin_objects_${plugin} PRIVATE ${CMAKE_SOURCE_DIR}/include
                               $<TARGET_PROPERTY:plugin_${plugin},INCLUDE_DIRECTORIES>)
    target_compile_definitions(plugin_objects_${plugin} PRIVATE switchboard_plugin=${plugin}_plugin
                               $<TARGET_PROPERTY:plugin_${plugin},COMPILE_DEFINITIONS>)
    get_target_property(libs plugin_${plugin} LINK_LIBRARIES)
    target_link_libraries(plugin_objects_${plugin} PUBLIC ${libs})
    add_dependencies(plugin_objects_${plugin} plugin_${plugin}) # for files that its build makes
endfunction()

# The plugin that a test belongs to: the longest folder name that the test's name begins with.
function(sb_plugin_of test ret)
    set(found "")
    file(GLOB folders RELATIVE ${CMAKE_SOURCE_DIR}/plugins ${CMAKE_SOURCE_DIR}/plugins/*/)
    foreach(folder ${folders})
        string(LENGTH "${folder}" size)
        string(LENGTH "${found}" best)
        if(test MATCHES "^test_${folder}(_|$)" AND size GREATER best AND TARGET plugin_${folder})
            set(found ${folder})
        endif()
    endforeach()
    set(${ret} "${found}" PARENT_SCOPE)
endfunction()

file(GLOB sources CONFIGURE_DEPENDS ${plugin_tests}/test_*.c)
foreach(source ${sources})
    get_filename_component(name ${source} NAME_WE)
    sb_plugin_of(${name} plugin)
    add_executable(${name} ${source})
    if(plugin)
        if(NOT TARGET plugin_objects_${plugin})
            sb_plugin_objects(${plugin})
        endif()
        target_link_libraries(${name} PRIVATE plugin_objects_${plugin})
    endif()
    target_link_libraries(${name} PRIVATE sb_harness ${SB_PLUGIN_LIBS})
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
    add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    set_tests_properties(${name} PROPERTIES TIMEOUT 120 LABELS plugin
        ENVIRONMENT "UBSAN_OPTIONS=print_stacktrace=1;SWITCHBOARD_LIB_DIR=${CMAKE_BINARY_DIR}/lib")
endforeach()

include(${plugin_tests}/bad/bad.cmake)

find_program(PYTHON3 python3 REQUIRED)
add_test(NAME test_language_model COMMAND ${PYTHON3} ${plugin_tests}/test_language_model.py)
set_tests_properties(test_language_model PROPERTIES TIMEOUT 60 LABELS plugin)
