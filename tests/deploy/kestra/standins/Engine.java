import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.kestra.core.exceptions.InternalException;
import io.kestra.core.models.executions.Execution;
import io.kestra.core.models.flows.FlowSource;
import io.kestra.core.repositories.ExecutionRepositoryInterface;
import io.kestra.core.repositories.MetricRepositoryInterface;
import io.kestra.core.runners.FlowInputOutput;
import io.kestra.core.runners.TestRunner;
import io.kestra.core.runners.TestRunnerUtils;
import io.kestra.core.serializers.JacksonMapper;
import io.kestra.core.services.ExecutionOutputService;
import io.kestra.core.services.FlowService;
import io.micronaut.context.ApplicationContext;
import io.micronaut.data.model.Pageable;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Kestra's executor, scheduler, worker and repositories in one process, led by lines of JSON on standard input.  Every
 * request has a `token`; its answer is a line "@@ " and JSON with the same token, in any order.
 */
public class Engine {
    private static final String TENANT = "main";
    private static final Pageable PAGE = Pageable.from(1, 200);
    private static final ObjectMapper JSON = JacksonMapper.ofJson();
    private static ApplicationContext context;

    public static void main(String[] args) {
        int code = 0;
        try {
            serve();
        } catch (Throwable error) {
            error.printStackTrace();
            code = 1;
        }
        System.exit(code);
    }

    private static void serve() throws Exception {
        context = ApplicationContext.builder().start();
        TestRunner runner = context.getBean(TestRunner.class);
        runner.setSchedulerEnabled(true);
        runner.run();
        answer(Map.of("token", "up"));
        var lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            Map<String, Object> request = JSON.readValue(line, new TypeReference<>() {});
            Thread.ofPlatform().daemon().start(() -> answer(request));
        }
    }

    private static synchronized void print(Map<String, Object> said) throws Exception {
        System.out.println("@@ " + JSON.writeValueAsString(said));
        System.out.flush();
    }

    private static void answer(Map<String, Object> request) {
        Map<String, Object> said = new HashMap<>();
        said.put("token", request.get("token"));
        try {
            if (request.containsKey("do")) {
                said.put("result", result(request));
            }
        } catch (Throwable error) {
            said.put("error", error.toString());
        }
        try {
            print(said);
        } catch (Exception error) {
            error.printStackTrace();
        }
    }

    private static Object result(Map<String, Object> request) throws Exception {
        var flows = context.getBean(FlowService.class);
        return switch ((String) request.get("do")) {
            case "validate" -> flows.validate(TENANT, List.of(new FlowSource("flow.yaml", (String) request.get("source"))));
            case "import" -> flows.importFlow(TENANT, (String) request.get("source")).getId();
            case "run" -> run(request);
            case "executions" -> context.getBean(ExecutionRepositoryInterface.class)
                .findByFlowId(TENANT, (String) request.get("namespace"), (String) request.get("flow"), PAGE)
                .stream().map(Engine::told).toList();
            default -> throw new IllegalArgumentException("no such request");
        };
    }

    @SuppressWarnings("unchecked")
    private static Object run(Map<String, Object> request) throws Exception {
        var inputs = (Map<String, Object>) request.get("inputs");
        var typed = context.getBean(FlowInputOutput.class);
        Execution ended = context.getBean(TestRunnerUtils.class).runOne(
            TENANT, (String) request.get("namespace"), (String) request.get("flow"), null,
            (flow, execution) -> typed.readExecutionInputs(flow, execution, inputs),
            Duration.ofSeconds(((Number) request.get("limit")).longValue()));
        return told(ended);
    }

    private static Map<String, Object> told(Execution execution) {
        Map<String, Object> said = new HashMap<>();
        said.put("execution", JSON.convertValue(execution, Map.class));
        try {
            said.put("outputs", context.getBean(ExecutionOutputService.class).getOutputs(execution));
        } catch (InternalException error) {
            throw new IllegalStateException(error);
        }
        said.put("metrics", context.getBean(MetricRepositoryInterface.class)
            .findByExecutionId(TENANT, execution.getId(), PAGE)
            .stream().map(metric -> List.of(String.valueOf(metric.getTaskId()), metric.getName(), metric.getValue())).toList());
        said.put("logs", context.getBean(io.kestra.core.repositories.LogDataStoreInterface.class)
            .findByExecutionId(TENANT, execution.getId(), null)
            .stream().map(log -> log.getLevel() + " " + log.getTaskId() + " " + log.getMessage()).toList());
        return said;
    }
}
