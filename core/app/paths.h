/* Where the installed, or just built, files are. */
#ifndef APP_PATHS_H
#define APP_PATHS_H

/* The folder of plugins: "plugins" beside the program (a build), else that of the tree that the program is installed in,
 * else the one that was configured. malloc'ed; NULL: no memory. */
char *paths_plugins(void);
/* The folder of scripts and the shipped engine.conf. malloc'ed. */
char *paths_share(void);

#endif
