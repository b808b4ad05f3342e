# What makes the program a service: the shipped configuration, scripts, unit, system user, and the pages to read.
set(SB_SHARE_DIR ${CMAKE_INSTALL_DATADIR}/switchboard)
install(FILES ${CMAKE_SOURCE_DIR}/engine.conf DESTINATION ${SB_SHARE_DIR})
install(DIRECTORY ${CMAKE_SOURCE_DIR}/scripts DESTINATION ${SB_SHARE_DIR} FILES_MATCHING PATTERN "*.lua")
install(FILES ${CMAKE_SOURCE_DIR}/README.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY ${CMAKE_SOURCE_DIR}/docs DESTINATION ${CMAKE_INSTALL_DOCDIR} FILES_MATCHING PATTERN "*.md")

# A unit names whole paths, and the prefix may be given only when installing.
set(SB_UNIT_TEMPLATE ${CMAKE_CURRENT_SOURCE_DIR}/switchboard.service.in)
set(SB_UNIT_BUILT ${CMAKE_CURRENT_BINARY_DIR}/switchboard.service)
configure_file(install_unit.cmake.in install_unit.cmake @ONLY)
install(SCRIPT ${CMAKE_CURRENT_BINARY_DIR}/install_unit.cmake)
# systemd looks into lib, whatever folder the architecture's libraries are in.
install(FILES ${SB_UNIT_BUILT} DESTINATION lib/systemd/system)
install(FILES ${CMAKE_CURRENT_SOURCE_DIR}/switchboard.sysusers DESTINATION lib/sysusers.d RENAME switchboard.conf)
