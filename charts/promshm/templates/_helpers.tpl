{{- define "promshm.name" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "promshm.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "promshm.labels" -}}
{{ include "promshm.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "promshm.metadata" -}}
name: {{ include "promshm.name" . }}
namespace: {{ .Release.Namespace }}
labels:
  {{- include "promshm.labels" . | nindent 2 }}
{{- end -}}

{{/* The dict's "of" is worker or exporter. */}}
{{- define "promshm.container" -}}
{{- $image := .of.image -}}
image: "{{ $image.repository }}:{{ $image.tag | default .root.Chart.AppVersion }}"
imagePullPolicy: {{ $image.pullPolicy }}
resources:
  {{- toYaml .of.resources | nindent 2 }}
securityContext:
  runAsUser: {{ .of.runAsUser }}
  runAsGroup: {{ .of.runAsUser }}
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
{{- end -}}
