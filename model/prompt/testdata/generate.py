#!/usr/bin/env python3
"""Writes golden.json: templates, conversations and what Jinja makes of them, set up as transformers does.

Needs Debian's python3-jinja2:  /usr/bin/python3 generate.py > golden.json
The templates are written for this test, in the styles of published models."""
import datetime
import json
import pathlib
import sys

from jinja2.exceptions import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

NOW = datetime.datetime(2026, 7, 4, 15, 6, 7)


def environment():
    env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"])

    def raise_exception(message):
        raise TemplateError(message)

    def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = lambda f: NOW.strftime(f)
    return env


TEMPLATES = {
    "chatml": "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}{% endfor %}"
              "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}",
    "chatml with a default system message": """{%- if messages[0]['role'] == 'system' %}
    {%- set system = messages[0].content %}
    {%- set rest = messages[1:] %}
{%- else %}
    {%- set system = 'You are a helpful assistant.' %}
    {%- set rest = messages %}
{%- endif %}
{{- '<|im_start|>system\\n' + system + '<|im_end|>\\n' }}
{%- for message in rest %}
    {{- '<|im_start|>' ~ message.role ~ '\\n' ~ message.content | trim ~ '<|im_end|>' }}
    {%- if not loop.last %}{{ '\\n' }}{% endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '\\n<|im_start|>assistant\\n' }}
{%- endif %}
""",
    "instruction brackets": """{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}{% set system_message = messages[0]['content'] %}{% else %}{% set loop_messages = messages %}{% set system_message = false %}{% endif %}
{% for message in loop_messages %}
    {% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}
        {{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}
    {% endif %}
    {% if loop.index0 == 0 and system_message != false %}
        {% set content = '<<SYS>>\\n' + system_message + '\\n<</SYS>>\\n\\n' + message['content'] %}
    {% else %}
        {% set content = message['content'] %}
    {% endif %}
    {% if message['role'] == 'user' %}
        {{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}
    {% elif message['role'] == 'assistant' %}
        {{ ' ' + content.strip() + ' ' + eos_token }}
    {% endif %}
{% endfor %}""",
    "headers": """{% set loop_messages = messages %}{% for message in loop_messages %}{% set content = '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'+ message['content'] | trim + '<|eot_id|>' %}{% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif %}{{ content }}{% endfor %}{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}""",
    "dated system": """{{- bos_token }}
{%- if not date_string is defined %}
    {%- if strftime_now is defined %}
        {%- set date_string = strftime_now("%d %b %Y") %}
    {%- else %}
        {%- set date_string = "26 Jul 2024" %}
    {%- endif %}
{%- endif %}
{%- if messages[0]['role'] == 'system' %}
    {%- set system_message = messages[0]['content']|trim %}
    {%- set messages = messages[1:] %}
{%- else %}
    {%- set system_message = "" %}
{%- endif %}
{{- "Today Date: " + date_string + "\\n\\n" }}
{{- system_message }}
{%- for message in messages %}
    {%- if not (message.role == 'ipython' or message.role == 'tool' or 'tool_calls' in message) %}
        {{- '[' + message['role'] + ']' + message['content'] | trim }}
    {%- endif %}
{%- endfor %}
""",
    "turns": """{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}{% for message in messages %}{% if (message['role'] == 'assistant') %}{% set role = 'model' %}{% else %}{% set role = message['role'] %}{% endif %}{{ '<start_of_turn>' + role + '\n' + message['content'] | trim + '<end_of_turn>\n' }}{% endfor %}{% if add_generation_prompt %}{{'<start_of_turn>model\n'}}{% endif %}""",
    "end marks": """{% for message in messages %}{% if message['role'] == 'system' and 'tools' in message and message['tools'] is not none %}{{ '<|tools|>' + message['tools'] }}{% else %}{{ '<|' + message['role'] + '|>\n' + message['content'] + '<|end|>\n' }}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% else %}{{ eos_token }}{% endif %}""",
    "tools that are not there": """{%- if messages[0]["role"] == "system" %}
    {%- set system_message = messages[0]["content"] %}
    {%- set loop_messages = messages[1:] %}
{%- else %}
    {%- set loop_messages = messages %}
{%- endif %}
{%- set user_messages = loop_messages | selectattr("role", "equalto", "user") | list %}
{%- set ns = namespace() %}
{%- set ns.index = 0 %}
{%- for message in loop_messages %}
    {%- if not (message.role == "tool" or (message.tool_calls is defined and message.tool_calls is not none)) %}
        {%- if (message["role"] == "user") != (ns.index % 2 == 0) %}
            {{- raise_exception("roles must alternate") }}
        {%- endif %}
        {%- set ns.index = ns.index + 1 %}
    {%- endif %}
{%- endfor %}
{{- bos_token }}
{%- for message in loop_messages %}
    {%- if message["role"] == "user" %}
        {%- if tools is not none and (message == user_messages[-1]) %}
            {%- for tool in tools %}{%- for key, val in tool.items() if key != "return" %}{{ key }}{%- endfor %}{%- endfor %}
        {%- endif %}
        {%- if loop.last and system_message is defined %}
            {{- "[INST] " + system_message + "\\n\\n" + message["content"] + "[/INST]" }}
        {%- else %}
            {{- "[INST] " + message["content"] + "[/INST]" }}
        {%- endif %}
    {%- elif message["role"] == "assistant" %}
        {{- " " + message["content"]|trim + eos_token}}
    {%- else %}
        {{- raise_exception("unknown role " ~ message.role) }}
    {%- endif %}
{%- endfor %}
""",
    "signs, orders and lists": """{{ -3 | abs }} {{ -3 }} {{ 4 - -1 }} {{ 'x' is in ['x', 'y'] }} {{ 3 is gt 2 }} {{ 2 is ge 2 }} {{ 1 is lt 1 }} {{ 1 < 2 }} {{ [2, 1] | first is le 2 }} {{ messages | map(attribute='content') | map('trim') | map('length') | list }}""",
    "bars": "{% for message in messages %}\n{% if message['role'] == 'user' %}\n{{ '<|user|>\n' + message['content'] + eos_token }}\n{% elif message['role'] == 'system' %}\n{{ '<|system|>\n' + message['content'] + eos_token }}\n{% elif message['role'] == 'assistant' %}\n{{ '<|assistant|>\n'  + message['content'] + eos_token }}\n{% endif %}\n{% if loop.last and add_generation_prompt %}\n{{ '<|assistant|>' }}\n{% endif %}\n{% endfor %}",
    "namespace and last user": """{%- set ns = namespace(found=false, last=messages|length - 1) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages|length - 1) - loop.index0 %}
    {%- if not ns.found and message.role == "user" and message.content is string and not(message.content.startswith('<tool>') and message.content.endswith('</tool>')) %}
        {%- set ns.found = true %}
        {%- set ns.last = index %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
{{- message.role }}{% if loop.index0 == ns.last %}*{% endif %}: {{ message.content.split('</think>')[-1].lstrip('\\n') }}|
{%- endfor %}
""",
    "macro": """{% macro turn(role, content, end='<end>') -%}
  <{{ role | upper }}>{{ content }}{{ end }}
{%- endmacro %}
{% for m in messages %}{{ turn(m.role, m.content) }}{{ turn(role='x', content=loop.index, end='') }}{% endfor %}""",
    "white space": """  {% if true %}
  a
    {%- if true -%}
  b
  {%+ if true %} c {% endif +%}
  {# a comment #}
d {# another -#}
   e {% for i in range(3) %}{{ i }}{% if not loop.last %}, {% endif %}
{% endfor %}
  {% endif %}
  {% endif %}
 end
""",
    "filters": """{{ messages | map(attribute='role') | join('/') }} {{ messages | selectattr('role', 'equalto', 'user') | list | length }}
{{ messages | rejectattr('role', 'in', ['user', 'system']) | map(attribute='content') | first | default('none at all') }}
{{ 'a-b-c'.split('-') }} {{ 'a-b-c'.split('-', 1) }} {{ ' x '.strip() ~ '|' }} {{ 'Hello World'.title() }} {{ 'abc'[::-1] }} {{ 'abcdef'[1:4] }} {{ 'abcdef'[-3:] }}
{{ [1, 2, 3] | last }} {{ (1, 2)[0] }} {{ {'a': 1, 'b': [true, none]} | tojson }} {{ {'a': 1}.get('z', 'q') }} {{ messages[0] | tojson(indent=2) }}
{{ undefined_thing | default('d') }} {{ '' | default('e', true) }} {{ 7 // 2 }} {{ 7 / 2 }} {{ -7 % 3 }} {{ 2 ** 10 }} {{ 1 if false }}|{{ 'x' * 3 }}
{{ 'é' | length }} {{ 'abc' is string }} {{ 3 is number }} {{ messages is iterable }} {{ messages[0] is mapping }} {{ none is none }} {{ 3 is odd }} {{ 'a' in 'cat' }} {{ 'k' not in {'k': 1} }}
{% for k, v in {'x': 1, 'y': 2}.items() %}{{ k }}={{ v }};{% endfor %} {% for c in 'abc' if c != 'b' %}{{ loop.previtem | default('-') }}{{ c }}{% else %}none{% endfor %}
{% for x in [] %}never{% else %}empty{% endfor %} {% for i in range(10) %}{% if i == 2 %}{% continue %}{% endif %}{% if i > 4 %}{% break %}{% endif %}{{ i }}{% endfor %}
{% set block %}captured {{ 1 + 1 }}{% endset %}{{ block | upper }} {{ "it's" }} {{ ["it's", 'q"q'] }} {{ 1.5 }} {{ 3.0 }} {{ true }} {{ not true }} {{ "\\u00e9\\n" | tojson }}
""",
}

CONVERSATIONS = [
    [{"role": "user", "content": "Hi there."}],
    [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "  Why? \n"}],
    [{"role": "user", "content": "One"}, {"role": "assistant", "content": "<think>a</think>\n\nTwo "}, {"role": "user", "content": "<tool>Three</tool>"}],
    [{"role": "system", "content": "S\n"}, {"role": "user", "content": "{{ 1 + 1 }} {% if %} \\ \"q\" 'é' 漢字 🙂"}, {"role": "assistant", "content": ""}, {"role": "user", "content": "<b>&amp;</b>"}],
    [{"role": "assistant", "content": "I speak first"}, {"role": "assistant", "content": "twice"}],
]


def main():
    env = environment()
    cases = []
    for name, source in TEMPLATES.items():
        template = env.from_string(source)
        for messages in CONVERSATIONS:
            for add in (False, True):
                case = {"name": name, "template": source, "messages": messages, "add_generation_prompt": add}
                try:
                    case["text"] = template.render(messages=messages, add_generation_prompt=add, bos_token="<s>", eos_token="</s>", tools=None, documents=None)
                except TemplateError as e:
                    case["error"] = str(e)
                cases.append(case)
    # One expression or statement a line. What Jinja refuses, we must refuse, too.
    for source in pathlib.Path(__file__).with_name("expressions.txt").read_text().splitlines():
        messages = CONVERSATIONS[1]
        case = {"name": "expression", "template": source, "messages": messages, "add_generation_prompt": True}
        try:
            case["text"] = env.from_string(source).render(messages=messages, add_generation_prompt=True, bos_token="<s>", eos_token="</s>", tools=None, documents=None)
        except Exception as e:
            case["refused"] = f"{type(e).__name__}: {e}"
        cases.append(case)
    json.dump({"now": NOW.isoformat() + "Z", "cases": cases}, sys.stdout, ensure_ascii=False, indent=1)


if __name__ == "__main__":
    main()
