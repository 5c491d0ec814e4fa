#!/usr/bin/env python3
"""Writes families.json: what Jinja makes of templates in the form in which the families' models publish them, with tools, documents,
calls, answers of tools and thoughts. The texts in them are ours; their structure is the published one.

Needs Debian's python3-jinja2:  /usr/bin/python3 families.py > families.json"""
import json
import sys

from generate import environment
from jinja2.exceptions import TemplateError

TEMPLATES = {
    # Granite 4.0: roles in marks; tools and documents as JSON in the system turn, calls and their answers in marks of their own.
    "granite": r"""{%- set tools_prefix = 'You can call these functions, listed as JSON within <tools></tools>:\n<tools>' %}
{%- set tools_suffix = '\n</tools>\n\nFor each call write a JSON object within <tool_call></tool_call>:\n<tool_call>\n{"name": <function-name>, "arguments": <args-json-object>}\n</tool_call>. Where no function fits, say so.' %}
{%- set documents_prefix = 'You may use these documents within <documents></documents>:\n<documents>' %}
{%- set documents_suffix = '\n</documents>\n\nStay with what the documents say.' %}
{%- set g4_default_system_message = 'You are a helpful assistant. Please ensure responses are professional, accurate, and safe.' %}
{%- if available_tools is defined and available_tools %}
    {%- set tools = available_tools %}
{%- endif %}
{%- set ns = namespace(tools_system_message=tools_prefix,
                       documents_system_message=documents_prefix,
                       default_system_message=g4_default_system_message,
                       system_message='') %}
{%- if tools %}
    {%- for tool in tools %}
        {%- set ns.tools_system_message = ns.tools_system_message + '\n' + (tool | tojson) %}
    {%- endfor %}
    {%- set ns.tools_system_message = ns.tools_system_message + tools_suffix %}
{%- else %}
    {%- set ns.tools_system_message = '' %}
{%- endif %}
{%- if documents %}
    {%- for document in documents %}
        {%- set ns.documents_system_message = ns.documents_system_message + '\n' + (document | tojson) %}
    {%- endfor %}
    {%- set ns.documents_system_message = ns.documents_system_message + documents_suffix %}
{%- else %}
    {%- set ns.documents_system_message = '' %}
{%- endif %}
{%- if messages[0].role == 'system' %}
    {%- if messages[0].content is string %}
        {%- set ns.system_message = messages[0].content %}
    {%- elif messages[0].content is iterable %}
        {%- for entry in messages[0].content %}
            {%- if entry.type == 'text' %}
                {%- if ns.system_message != '' %}
                    {%- set ns.system_message = ns.system_message + '\n' %}
                {%- endif %}
                {%- set ns.system_message = ns.system_message + entry.text %}
            {%- endif %}
        {%- endfor %}
    {%- endif %}
    {%- if tools and documents %}
        {%- set ns.system_message = ns.system_message + '\n\n' + ns.tools_system_message + '\n\n' + ns.documents_system_message %}
    {%- elif tools %}
        {%- set ns.system_message = ns.system_message + '\n\n' + ns.tools_system_message %}
    {%- elif documents %}
        {%- set ns.system_message = ns.system_message + '\n\n' + ns.documents_system_message %}
    {%- endif %}
{%- else %}
    {%- if tools and documents %}
        {%- set ns.system_message = ns.tools_system_message + '\n\n' + ns.documents_system_message %}
    {%- elif tools %}
        {%- set ns.system_message = ns.tools_system_message %}
    {%- elif documents %}
        {%- set ns.system_message = ns.documents_system_message %}
    {%- endif %}
{%- endif %}
{%- if ns.system_message %}
    {{- '<|start_of_role|>system<|end_of_role|>' + ns.system_message + '<|end_of_text|>\n' }}
{%- else %}
    {{- '<|start_of_role|>system<|end_of_role|>' + ns.default_system_message + '<|end_of_text|>\n' }}
{%- endif %}
{%- for message in messages %}
    {%- set content = namespace(val='') %}
    {%- if message.content is string %}
        {%- set content.val = message.content %}
    {%- else %}
        {%- if message.content is iterable %}
            {%- for entry in message.content %}
                {%- if entry.type == 'text' %}
                    {%- if content.val != '' %}
                        {%- set content.val = content.val + '\n' %}
                    {%- endif %}
                    {%- set content.val = content.val + entry.text %}
                {%- endif %}
            {%- endfor %}
        {%- endif %}
    {%- endif %}
    {%- if (message.role == 'user') or (message.role == 'system' and not loop.first) %}
        {{- '<|start_of_role|>' + message.role + '<|end_of_role|>' + content.val + '<|end_of_text|>\n' }}
    {%- elif message.role == 'assistant' %}
        {{- '<|start_of_role|>' + message.role + '<|end_of_role|>' + content.val }}
        {%- if message.tool_calls %}
            {%- for tool_call in message.tool_calls %}
                {%- if (loop.first and content.val) or (not loop.first) %}
                    {{- '\n' }}
                {%- endif %}
                {%- if tool_call.function %}
                    {%- set tool_call = tool_call.function %}
                {%- endif %}
                {{- '<tool_call>\n{"name": "' }}
                {{- tool_call.name }}
                {{- '", "arguments": ' }}
                {%- if tool_call.arguments is string %}
                    {{- tool_call.arguments }}
                {%- else %}
                    {{- tool_call.arguments | tojson }}
                {%- endif %}
                {{- '}\n</tool_call>' }}
            {%- endfor %}
        {%- endif %}
        {{- '<|end_of_text|>\n' }}
    {%- elif message.role == 'tool' %}
        {%- if loop.first or (messages[loop.index0 - 1].role != 'tool') %}
            {{- '<|start_of_role|>user<|end_of_role|>' }}
        {%- endif %}
        {{- '\n<tool_response>\n' }}
        {{- content.val }}
        {{- '\n</tool_response>' }}
        {%- if loop.last or (messages[loop.index0 + 1].role != 'tool') %}
            {{- '<|end_of_text|>\n' }}
        {%- endif %}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start_of_role|>assistant<|end_of_role|>' }}
{%- endif %}""",
    # Jamba Reasoning: ChatML; thoughts of answers before the last question are left out.
    "jamba": r"""{%- if tools %}
    {{- '<|im_start|>system\n' }}
    {%- if messages[0].role == 'system' %}
        {{- messages[0].content + '\n\n' }}
    {%- endif %}
    {{- "# Tools\n\nFunctions within <tools></tools>:\n<tools>" }}
    {%- for tool in tools %}
        {{- "\n" }}
        {{- tool | tojson }}
    {%- endfor %}
    {{- "\n</tools>\n\nCalls within <tool_call></tool_call>:\n<tool_call>\n{\"name\": <function-name>, \"arguments\": <args-json-object>}\n</tool_call><|im_end|>\n" }}
{%- else %}
    {%- if messages[0].role == 'system' %}
        {{- '<|im_start|>system\n' + messages[0].content + '<|im_end|>\n' }}
    {%- endif %}
{%- endif %}
{%- set ns = namespace(multi_step_tool=true, last_query_index=messages|length - 1) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages|length - 1) - loop.index0 %}
    {%- if ns.multi_step_tool and message.role == "user" and message.content is string and not(message.content.startswith('<tool_response>') and message.content.endswith('</tool_response>')) %}
        {%- set ns.multi_step_tool = false %}
        {%- set ns.last_query_index = index %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- if message.content is string %}
        {%- set content = message.content %}
    {%- else %}
        {%- set content = '' %}
    {%- endif %}
    {%- if (message.role == "user") or (message.role == "system" and not loop.first) %}
        {{- '<|im_start|>' + message.role + '\n' + content + '<|im_end|>' + '\n' }}
    {%- elif message.role == "assistant" %}
        {%- set reasoning_content = '' %}
        {%- if message.reasoning_content is string %}
            {%- set reasoning_content = message.reasoning_content %}
        {%- else %}
            {%- if '</think>' in content %}
                {%- set reasoning_content = content.split('</think>')[0].rstrip('\n').split('<think>')[-1].lstrip('\n') %}
                {%- set content = content.split('</think>')[-1].lstrip('\n') %}
            {%- endif %}
        {%- endif %}
        {%- if loop.index0 > ns.last_query_index %}
            {%- if loop.last or (not loop.last and reasoning_content) %}
                {{- '<|im_start|>' + message.role + '\n<think>\n' + reasoning_content.strip('\n') + '\n</think>\n\n' + content.lstrip('\n') }}
            {%- else %}
                {{- '<|im_start|>' + message.role + '\n' + content }}
            {%- endif %}
        {%- else %}
            {{- '<|im_start|>' + message.role + '\n' + content }}
        {%- endif %}
        {%- if message.tool_calls %}
            {%- for tool_call in message.tool_calls %}
                {%- if (loop.first and content) or (not loop.first) %}
                    {{- '\n' }}
                {%- endif %}
                {%- if tool_call.function %}
                    {%- set tool_call = tool_call.function %}
                {%- endif %}
                {{- '<tool_call>\n{"name": "' ~ tool_call.name ~ '", "arguments": ' }}
                {%- if tool_call.arguments is string %}
                    {{- tool_call.arguments }}
                {%- else %}
                    {{- tool_call.arguments | tojson }}
                {%- endif %}
                {{- '}\n</tool_call>' }}
            {%- endfor %}
        {%- endif %}
        {{- '<|im_end|>\n' }}
    {%- elif message.role == "tool" %}
        {%- if loop.first or (messages[loop.index0 - 1].role != "tool") %}
            {{- '<|im_start|>user' }}
        {%- endif %}
        {{- '\n<tool_response>\n' }}
        {{- content }}
        {{- '\n</tool_response>' }}
        {%- if loop.last or (messages[loop.index0 + 1].role != "tool") %}
            {{- '<|im_end|>\n' }}
        {%- endif %}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}
        {{- '<think>\n\n</think>\n\n' }}
    {%- else %}
        {{- '<think>\n' }}
    {%- endif %}
{%- endif %}""",
    # LFM2: the list of tools and their answers in marks; one kind of turn for all roles.
    "lfm2": r"""{{- bos_token -}}
{%- set system_prompt = "" -%}
{%- set ns = namespace(system_prompt="") -%}
{%- if messages[0]["role"] == "system" -%}
    {%- set ns.system_prompt = messages[0]["content"] -%}
    {%- set messages = messages[1:] -%}
{%- endif -%}
{%- if tools -%}
    {%- set ns.system_prompt = ns.system_prompt + ("\n" if ns.system_prompt else "") + "List of tools: <|tool_list_start|>[" -%}
    {%- for tool in tools -%}
        {%- if tool is not string -%}
            {%- set tool = tool | tojson -%}
        {%- endif -%}
        {%- set ns.system_prompt = ns.system_prompt + tool -%}
        {%- if not loop.last -%}
            {%- set ns.system_prompt = ns.system_prompt + ", " -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set ns.system_prompt = ns.system_prompt + "]<|tool_list_end|>" -%}
{%- endif -%}
{%- if ns.system_prompt -%}
    {{- "<|im_start|>system\n" + ns.system_prompt + "<|im_end|>\n" -}}
{%- endif -%}
{%- for message in messages -%}
    {{- "<|im_start|>" + message["role"] + "\n" -}}
    {%- set content = message["content"] -%}
    {%- if content is not string -%}
        {%- set content = content | tojson -%}
    {%- endif -%}
    {%- if message["role"] == "tool" -%}
        {%- set content = "<|tool_response_start|>" + content + "<|tool_response_end|>" -%}
    {%- endif -%}
    {{- content + "<|im_end|>\n" -}}
{%- endfor -%}
{%- if add_generation_prompt -%}
    {{- "<|im_start|>assistant\n" -}}
{%- endif -%}""",
    # Falcon-H1 and Falcon-Mamba: ChatML, the tools in the first turn.
    "falcon": r"""{{bos_token}}
{%- if tools %}
    {{- '<|im_start|>system\n' }}
    {%- if messages[0].role == 'system' %}
        {{- messages[0].content }}
        {%- set remaining_messages = messages[1:] %}
    {%- else %}
        {%- set remaining_messages = messages %}
    {%- endif %}
    {{- 'You may call functions, within <tools> </tools>:\n<tools>\n' }}
    {{- tools | tojson(indent=2) }}
    {{- '\n</tools>\n<|im_end|>\n' }}
{%- else %}
    {%- if messages[0].role == 'system' %}
        {{- '<|im_start|>system\n' + messages[0].content + '<|im_end|>\n' }}
        {%- set remaining_messages = messages[1:] %}
    {%- else %}
        {%- set remaining_messages = messages %}
    {%- endif %}
{%- endif %}
{%- for message in remaining_messages %}
    {%- if not message.tool_calls and message.role != 'tool' %}
        {{- '<|im_start|>' + message.role + '\n' + message.content | string | trim + '<|im_end|>\n' }}
    {%- elif message.role == 'assistant' %}
        {{- '<|im_start|>assistant\n' }}{% for call in message.tool_calls %}{{ '<tool_call>\n' ~ call.function | tojson ~ '\n</tool_call>' }}{% if not loop.last %}{{ '\n' }}{% endif %}{% endfor %}{{ '<|im_end|>\n' }}
    {%- else %}
        {{- '<|im_start|>user\n<tool_response>\n' ~ message.content ~ '\n</tool_response><|im_end|>\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}""",
    # Nemotron: thinking switched in the system turn, tools as XML by a macro.
    "nemotron": r"""{% macro render_extra_keys(json_dict, handled_keys) %}
    {%- if json_dict is mapping %}
        {%- for json_key in json_dict if json_key not in handled_keys %}
            {%- if json_dict[json_key] is mapping or (json_dict[json_key] is sequence and json_dict[json_key] is not string) %}
                {{- '\n<' ~ json_key ~ '>' ~ (json_dict[json_key] | tojson | safe) ~ '</' ~ json_key ~ '>' }}
            {%- else %}
                {{-'\n<' ~ json_key ~ '>' ~ (json_dict[json_key] | string) ~ '</' ~ json_key ~ '>' }}
            {%- endif %}
        {%- endfor %}
    {%- endif %}
{% endmacro %}
{%- set enable_thinking = enable_thinking if enable_thinking is defined else True %}
{%- set ns = namespace(last_user_idx = -1) %}
{%- for m in messages %}
    {%- if m["role"] == "user" %}{%- set ns.last_user_idx = loop.index0 %}{%- endif %}
{%- endfor %}
{%- if messages[0]["role"] == "system" %}
    {%- set system_message = messages[0]["content"] %}
    {%- set loop_messages = messages[1:] %}
{%- else %}
    {%- set system_message = "" %}
    {%- set loop_messages = messages %}
{%- endif %}
{{- "<|im_start|>system\n" }}{{- system_message if system_message is string else system_message | map(attribute='text') | join('\n') }}
{%- if tools is iterable and tools | length > 0 %}
    {{- "\n\n# Tools\n<tools>" }}
    {%- for tool in tools %}
        {%- if tool.function is defined %}{%- set tool = tool.function %}{%- endif %}
        {{- "\n<function>\n<name>" ~ tool.name ~ "</name>" }}
        {%- if tool.description is defined %}{{- '\n<description>' ~ (tool.description | trim) ~ '</description>' }}{%- endif %}
        {{- '\n<parameters>' }}
        {%- if tool.parameters is defined and tool.parameters is mapping and tool.parameters.properties is defined and tool.parameters.properties is mapping %}
            {%- for param_name, param_fields in tool.parameters.properties|items %}
                {{- '\n<parameter>\n<name>' ~ param_name ~ '</name>' }}
                {%- if param_fields.type is defined %}{{- '\n<type>' ~ (param_fields.type | string) ~ '</type>' }}{%- endif %}
                {%- set handled_keys = ['name', 'type', 'description', 'enum', 'required'] %}
                {{- render_extra_keys(param_fields, handled_keys) }}
                {{- '\n</parameter>' }}
            {%- endfor %}
        {%- endif %}
        {{- '\n</parameters>\n</function>' }}
    {%- endfor %}
    {{- "\n</tools>" }}
{%- endif %}
{{- '<|im_end|>\n' }}
{%- for message in loop_messages %}
    {%- if message.role == "assistant" and message.tool_calls is defined and message.tool_calls is iterable and message.tool_calls | length > 0 %}
        {{- '<|im_start|>assistant\n' ~ ((message.content or '') | trim) }}
        {%- for tool_call in message.tool_calls %}
            {%- if tool_call.function is defined %}{%- set tool_call = tool_call.function %}{%- endif %}
            {{- '\n<tool_call>\n<function=' ~ tool_call.name ~ '>\n' -}}
            {%- if tool_call.arguments is mapping %}
                {%- for args_name, args_value in tool_call.arguments|items %}
                    {{- '<parameter=' ~ args_name ~ '>\n' -}}
                    {%- set args_value = args_value | tojson | safe if args_value is mapping or (args_value is sequence and args_value is not string) else args_value | string %}
                    {{- args_value ~ '\n</parameter>\n' -}}
                {%- endfor %}
            {%- endif %}
            {{- '</function>\n</tool_call>\n' -}}
        {%- endfor %}
        {{- '<|im_end|>\n' }}
    {%- elif message.role == "tool" %}
        {%- if loop.previtem and loop.previtem.role != "tool" %}{{- '<|im_start|>user\n' }}{%- endif %}
        {{- '<tool_response>\n' ~ message.content ~ '\n</tool_response>\n' }}
        {%- if not loop.last and loop.nextitem.role != "tool" %}{{- '<|im_end|>\n' }}{%- elif loop.last %}{{- '<|im_end|>\n' }}{%- endif %}
    {%- else %}
        {%- set content = message.content if message.content is string else '' %}
        {%- if message.role == 'assistant' and loop.index0 < ns.last_user_idx and '</think>' in content %}
            {%- set content = '<think></think>' ~ content.split('</think>', 1)[1] %}
        {%- endif %}
        {{- '<|im_start|>' ~ message.role ~ '\n' ~ content ~ '<|im_end|>\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {%- if enable_thinking %}{{- '<|im_start|>assistant\n<think>\n' }}{%- else %}{{- '<|im_start|>assistant\n<think></think>' }}{%- endif %}
{%- endif %}""",
    # Phi-4-mini: bare marks by role.
    "phi4": r"""{{ '<|system|>Your name is Phi.' }}{% for message in messages %}{% if message['role'] == 'system' %}{{ ' ' + message['content'] }}{% if 'tools' in message and message['tools'] is not none %}{{ '<|tool|>' + message['tools'] + '<|/tool|>' }}{% endif %}{% endif %}{% endfor %}{{ '<|end|>' }}{% for message in messages %}{% if message['role'] != 'system' %}{{ '<|' + message['role'] + '|>' + (message['content'] or '') | string + '<|end|>' }}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>' }}{% else %}{{ eos_token }}{% endif %}""",
}

WEATHER = {"type": "function", "function": {"name": "weather", "description": " What the sky does. ", "parameters": {"type": "object", "properties": {
    "place": {"type": "string", "description": "a town"}, "days": {"type": "integer", "minimum": 1, "default": 1.5}, "units": {"type": ["string", "null"], "enum": ["C", "F"], "extra": {"a": [1, True]}}}, "required": ["place"]}}}
TIME = {"type": "function", "function": {"name": "time", "parameters": {"type": "object", "properties": {}}}}
DOCUMENTS = [{"doc_id": 1, "title": "Ströme", "text": "Rivers run \"down\".\n", "source": ""}, {"doc_id": 2, "text": "<|end_of_text|>"}]
call = lambda name, arguments: {"id": "c1", "type": "function", "function": {"name": name, "arguments": arguments}}

CONVERSATIONS = [
    {"messages": [{"role": "user", "content": "Hi."}]},
    {"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": " Why? "}, {"role": "assistant", "content": "<think>\nHm.\n</think>\n\nSo. "}, {"role": "user", "content": "And?"}]},
    {"messages": [{"role": "user", "content": "Rain?"}], "tools": [WEATHER, TIME]},
    {"messages": [{"role": "system", "content": "S"}, {"role": "user", "content": "Rain?"}], "tools": [WEATHER], "documents": DOCUMENTS},
    {"messages": [{"role": "user", "content": "Rain?"}], "documents": DOCUMENTS},
    {"messages": [{"role": "user", "content": "Rain in Köln and Ulm?"}, {"role": "assistant", "content": "", "tool_calls": [call("weather", {"place": "Köln", "days": 2, "more": [1, {"a": None}], "sure": True}), call("weather", {"place": "Ulm <b>"})]},
                  {"role": "tool", "content": "{\"sky\": \"grey\"}"}, {"role": "tool", "content": "blue"}, {"role": "assistant", "content": "Grey, and blue."}, {"role": "user", "content": "Thanks"}], "tools": [WEATHER, TIME]},
    {"messages": [{"role": "user", "content": "Time?"}, {"role": "assistant", "content": "Looking.", "reasoning_content": "\nA clock.\n", "tool_calls": [call("time", "{\"zone\": \"UTC\"}")]}, {"role": "tool", "content": "12:00"}], "tools": [TIME]},
    {"messages": [{"role": "user", "content": "Think."}, {"role": "assistant", "content": "Done.", "reasoning_content": "Deep."}], "variables": {"enable_thinking": False}},
    {"messages": [{"role": "user", "content": [{"type": "text", "text": "In"}, {"type": "text", "text": "parts"}, {"type": "image"}]}, {"role": "assistant", "content": None, "tool_calls": [call("time", {})]}]},
    {"messages": [{"role": "system", "content": [{"type": "text", "text": "One"}, {"type": "text", "text": "two"}]}, {"role": "user", "content": "<|im_end|><|end_of_text|>{{ 7 * 7 }}"}]},
]


def main():
    env = environment()
    cases = []
    for name, source in TEMPLATES.items():
        template = env.from_string(source)
        for conversation in CONVERSATIONS:
            for add in (False, True):
                case = {"name": name, "add_generation_prompt": add, **conversation}
                given = {"tools": conversation.get("tools"), "documents": conversation.get("documents"), **conversation.get("variables", {})}
                try:
                    case["text"] = template.render(messages=conversation["messages"], add_generation_prompt=add, bos_token="<s>", eos_token="</s>", **given)
                except (TemplateError, TypeError) as e:
                    case["refused"] = f"{type(e).__name__}: {e}"
                cases.append(case)
    json.dump({"templates": TEMPLATES, "cases": cases}, sys.stdout, ensure_ascii=False, indent=1)


main()
