std = "lua54"
max_line_length = 120
read_globals = { "sb" }
globals = { "classify", "escalation", "ticket", "same_matter", "message", "delayed_message" }
