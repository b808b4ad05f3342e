-- The corpus needs a file of this name; nothing runs it.
return {}
