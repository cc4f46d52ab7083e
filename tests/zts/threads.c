/* A server in one process, as small as can be: threads, each a PHP interpreter, that run a script.
 *
 *   threads SCRIPT THREADS REQUESTS WAVES [STARTS]
 *
 * A wave starts THREADS threads at once; each runs the script REQUESTS times and ends; then comes the
 * next wave. The script sees $wave, $thread and $request. Settings come from php.ini, where PHPRC points to.
 * With STARTS all of PHP is started, and shut down after its waves, so often.
 *
 * With -DLINKED_IN the extension is a part of the program, as in a static build, and no php.ini names it. */
#include <sapi/embed/php_embed.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct {
    pthread_t id;
    int wave, number;
} worker;

#ifdef LINKED_IN
zend_module_entry *promshm_get_module(void);

static int start_with_promshm(sapi_module_struct *sapi)
{
    return php_module_startup(sapi, promshm_get_module());
}
#endif

static const char *script;
static int requests;
static pid_t server;

static void run_script(const worker *self, int request)
{
    char code[1024];
    snprintf(code, sizeof code, "$wave = %d; $thread = %d; $request = %d; require '%s';", self->wave, self->number,
        request, script);
    zend_first_try {
        zend_eval_string_ex(code, NULL, "threads.c", true);
    } zend_end_try();
}

/* The life of an interpreter: what belongs to the thread, requests, and the end. */
static void *interpret(void *argument)
{
    const worker *self = argument;
    ts_resource(0);
    for (int request = 0; request < requests; request++) {
        if (php_request_startup() == FAILURE) {
            fputs("a request did not start\n", stderr);
            _exit(1);
        }
        run_script(self, request);
        php_request_shutdown(NULL);
        if (getpid() != server) {
            exit(0); /* a forked child: what other threads had locked stays locked in it, TSRM's lock too */
        }
    }
    ts_free_thread();
    return NULL;
}

/* One life of PHP: module startup, all waves, module shutdown. */
static int serve(int threads, int waves, int argc, char **argv)
{
    worker *workers = calloc(threads, sizeof *workers);
#ifdef LINKED_IN
    php_embed_module.startup = start_with_promshm;
#endif
    if (php_embed_init(argc, argv) == FAILURE) {
        return 1;
    }
    for (int wave = 0; wave < waves; wave++) {
        for (int number = 0; number < threads; number++) {
            workers[number].wave = wave;
            workers[number].number = number;
            if (pthread_create(&workers[number].id, NULL, interpret, &workers[number])) {
                perror("pthread_create");
                return 1;
            }
        }
        for (int number = 0; number < threads; number++) {
            pthread_join(workers[number].id, NULL);
        }
    }
    php_embed_shutdown();
    free(workers);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 5 && argc != 6) {
        fputs("usage: threads SCRIPT THREADS REQUESTS WAVES [STARTS]\n", stderr);
        return 2;
    }
    script = argv[1];
    server = getpid();
    requests = atoi(argv[3]);
    int status = 0;
    for (int starts = argc == 6 ? atoi(argv[5]) : 1; starts > 0 && status == 0; starts--) {
        status = serve(atoi(argv[2]), atoi(argv[4]), argc, argv);
    }
    return status;
}
