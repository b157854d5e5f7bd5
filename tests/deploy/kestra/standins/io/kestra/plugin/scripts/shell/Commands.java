package io.kestra.plugin.scripts.shell;

import io.kestra.core.models.property.Property;
import io.kestra.core.models.tasks.RunnableTask;
import io.kestra.core.runners.RunContext;
import io.kestra.plugin.scripts.exec.AbstractExecScript;
import io.kestra.plugin.scripts.exec.scripts.models.DockerOptions;
import io.kestra.plugin.scripts.exec.scripts.models.ScriptOutput;
import jakarta.validation.constraints.NotNull;
import java.util.List;

/**
 * Stands in for the shell task, whose plugin is not published: its name and properties, over the engine's own machinery
 * for scripts (io.kestra:script), which runs the commands, retries, times out and reads what they print.
 */
public class Commands extends AbstractExecScript implements RunnableTask<ScriptOutput> {
    private Property<String> containerImage = Property.ofValue("ubuntu");

    @NotNull
    private Property<List<String>> commands;

    public Property<String> getContainerImage() {
        return containerImage;
    }

    public Property<List<String>> getCommands() {
        return commands;
    }

    @Override
    protected DockerOptions injectDefaults(RunContext context, DockerOptions given) {
        return given;
    }

    @Override
    public ScriptOutput run(RunContext context) throws Exception {
        return commands(context)
            .withInterpreter(getInterpreter())
            .withBeforeCommands(getBeforeCommands())
            .withCommands(commands)
            .run();
    }
}
