/* process_run; see process.h.  A second pipe, closed by a successful exec, tells why one failed. */
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/pool.h"

#define POLL_MS 200
#define PATIENCE_MS 10000

typedef struct Child {
    pid_t pid;
    int output;
    char line[PROCESS_LINE_BYTES];
    size_t n;
    ProcessLine take;
    void *context;
} Child;

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static _Noreturn void become(const char *const *words, pid_t parent, int output, int failure)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    signal(SIGPIPE, SIG_DFL);
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (getppid() == parent && null >= 0 && dup2(null, 0) >= 0 && dup2(output, 1) >= 0 && dup2(output, 2) >= 0)
        execvp(words[0], (char *const *)(uintptr_t)words);
    int number = errno;
    ssize_t written = write(failure, &number, sizeof number);
    _exit(written == sizeof number ? 127 : 126);
}

static Status start(const char *const *words, Child *child, Error *err)
{
    int output[2], failure[2], number = 0;
    if (pipe2(output, O_CLOEXEC) != 0)
        return error_set_errno(err, errno, "making a pipe");
    if (pipe2(failure, O_CLOEXEC) != 0) {
        error_set_errno(err, errno, "making a pipe");
        close(output[0]);
        close(output[1]);
        return err->code;
    }
    pid_t parent = getpid();
    child->pid = fork();
    if (child->pid == 0)
        become(words, parent, output[1], failure[1]);
    close(output[1]);
    close(failure[1]);
    child->output = output[0];
    if (child->pid < 0)
        error_set_errno(err, errno, "starting %s", words[0]);
    else if (read(failure[0], &number, sizeof number) == sizeof number) {
        while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR) {
        }
        error_set(err, STATUS_NOT_FOUND, "%s cannot be started: %s", words[0], strerror(number));
    }
    close(failure[0]);
    if (err->code != STATUS_OK)
        close(child->output);
    return err->code;
}

static void end_line(Child *child)
{
    child->line[child->n] = '\0';
    child->n = 0;
    child->take(child->context, child->line);
}

/* False at the end of the output. */
static bool take_output(Child *child)
{
    char bytes[4096];
    ssize_t n = read(child->output, bytes, sizeof bytes);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return true;
    for (ssize_t i = 0; i < n; i++) {
        if (bytes[i] != '\n' && bytes[i] != '\0')
            child->line[child->n++] = bytes[i];
        if (bytes[i] == '\n' || child->n == sizeof child->line - 1)
            end_line(child);
    }
    if (n <= 0 && child->n > 0)
        end_line(child);
    return n > 0;
}

/* Whether the child has ended; its pipe may outlive it in a grandchild's hands. */
static bool has_ended(const Child *child, int *status)
{
    return waitpid(child->pid, status, WNOHANG) == child->pid;
}

Status process_run(const char *const *words, ProcessLine line, void *context, int *ret_code, Error *err)
{
    Child child = {.take = line, .context = context};
    TRY(start(words, &child, err));
    int status = 0, asked = 0;
    int64_t asked_ms = 0;
    bool open = true, ended = false;
    while (!ended) {
        struct pollfd event = {.fd = child.output, .events = POLLIN};
        if (open && poll(&event, 1, POLL_MS) > 0)
            open = take_output(&child);
        else if (!open)
            poll(NULL, 0, POLL_MS / 10);
        ended = has_ended(&child, &status);
        if (!ended && interrupt_requested() && (asked == 0 || (asked == 1 && now_ms() - asked_ms > PATIENCE_MS))) {
            kill(-child.pid, asked == 0 ? SIGTERM : SIGKILL);
            asked_ms = now_ms();
            asked++;
        }
    }
    for (struct pollfd event = {.fd = child.output, .events = POLLIN}; open && poll(&event, 1, 0) > 0;)
        open = take_output(&child);
    if (child.n > 0)
        end_line(&child);
    close(child.output);
    *ret_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return asked ? interrupt_check(err) : STATUS_OK;
}
