//! The presets `@db`, `@http`, `@redis`, `@symfony` and `@laravel`, and what is known of single functions.

/// The entries of a preset.
pub(super) fn preset(name: &str) -> Option<&'static str> {
    match name {
        "@db" => Some(DB),
        "@http" => Some(HTTP),
        "@redis" => Some(REDIS),
        "@symfony" => Some(SYMFONY),
        "@laravel" => Some(LARAVEL),
        _ => None,
    }
}

/// All presets, for messages.
pub(super) const NAMES: &str = "@db, @http, @redis, @symfony, @laravel";

const DB: &str = "PDO::__construct, PDO::connect, PDO::exec, PDO::query, PDO::prepare, PDO::beginTransaction, \
    PDO::commit, PDO::rollBack, PDOStatement::execute, \
    mysqli::__construct, mysqli::real_connect, mysqli::query, mysqli::real_query, mysqli::multi_query, \
    mysqli::execute_query, mysqli::prepare, mysqli::begin_transaction, mysqli::commit, mysqli::rollback, \
    mysqli_stmt::execute, mysqli_connect, mysqli_real_connect, mysqli_query, mysqli_real_query, mysqli_multi_query, \
    mysqli_execute_query, mysqli_prepare, mysqli_begin_transaction, mysqli_commit, mysqli_rollback, \
    mysqli_stmt_execute, mysqli_execute, \
    pg_connect, pg_pconnect, pg_query, pg_query_params, pg_prepare, pg_execute";
const HTTP: &str = "curl_exec, curl_multi_exec, file_get_contents, SoapClient::__doRequest";
const REDIS: &str = "Redis::*, RedisCluster::*, Memcached::*, Predis\\Client::executeCommand";
/// `Worker::handleMessage` swallows the exceptions of handlers; the middleware passes them on.
const SYMFONY: &str = "Symfony\\Component\\Messenger\\Middleware\\HandleMessageMiddleware::handle\
    {message=class(arg1.message)} as messenger";
/// `Worker::process` swallows the exceptions of jobs; the handler passes them on.
const LARAVEL: &str = "Illuminate\\Queue\\CallQueuedHandler::call{job=arg2[commandName]} as laravel_job";

/// Functions of which some or all calls are compiled to an opcode, so that not all of them could be counted.
pub(super) fn is_opcode(function: &str) -> bool {
    matches!(
        function,
        "strlen"
            | "is_null"
            | "is_bool"
            | "is_long"
            | "is_int"
            | "is_integer"
            | "is_double"
            | "is_float"
            | "is_string"
            | "is_array"
            | "is_object"
            | "is_resource"
            | "is_scalar"
            | "boolval"
            | "intval"
            | "doubleval"
            | "floatval"
            | "strval"
            | "defined"
            | "chr"
            | "ord"
            | "call_user_func_array"
            | "call_user_func"
            | "in_array"
            | "count"
            | "sizeof"
            | "get_class"
            | "get_called_class"
            | "gettype"
            | "func_num_args"
            | "func_get_args"
            | "array_key_exists"
            | "array_slice"
            | "compact"
            | "sprintf"
            | "printf"
            | "array_map"
            | "clone"
            | "exit"
            | "die"
            | "assert"
    )
}

/// Whether `false` is how the function tells of an error; its name in lower case.
pub(super) fn fails_by_false(function: &str) -> bool {
    ["mysqli::", "mysqli_"].iter().any(|prefix| function.starts_with(prefix))
        || function.starts_with("pg_")
        || matches!(function, "curl_exec" | "file_get_contents")
}

/// Whether only calls with a URL as first argument are counted.
pub(super) fn wants_url(function: &str) -> bool {
    function == "file_get_contents"
}
